"""What a call leaves in the record, entry by entry."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from callengine.ports.journal import (
    CallbackRequested,
    CallClosed,
    CallOpened,
    ToolRecorded,
    TurnRecorded,
)
from callengine.ports.usage import Used

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def opened(call_id: str, at: datetime = NOON) -> CallOpened:
    return CallOpened(
        call_id, "node-1", at, "ru-RU", "+79161234567", "Анна", "100", {"queue": "sales", "vip": "да"}, "PJSIP/7-01"
    )


USED = (
    Used("llm", "claude-haiku-5-5", 0.0, 0, 1200, 5300, 40, 61, Decimal("0.0002085001")),
    Used("llm", "unknown", output_tokens=5),
    Used("stt", "", seconds=4.0),  # a plug-in that names none
    Used("stt", "google/v2/chirp_3", seconds=61.0, usd=Decimal("0.0162666667")),
    Used("stt", "whisper", seconds=2.5, usd=Decimal("0E-10")),
    Used("tts", "google/Chirp3-HD", characters=812, usd=Decimal("0.0243600000")),
)


def turn(call_id: str, sequence: int, text: str = "Добрый день!") -> TurnRecorded:
    timings = {"endpointing": 0.4, "first_audio": 0.05}
    return TurnRecorded(call_id, sequence, "agent", text, 0.5, 2.25, True, timings, USED[:3])


def tool(call_id: str, sequence: int) -> ToolRecorded:
    arguments = {"query": "шины 205/55 R16", "limit": 3, "in_stock": True, "brands": ["А", None]}
    return ToolRecorded(call_id, sequence, "find_product", arguments, '{"found": 2}', False, 3.0, 0.012)


def closed(call_id: str, outcome: str = "completed") -> CallClosed:
    at = NOON + timedelta(seconds=61)
    return CallClosed(call_id, at, 61.5, outcome, "said goodbye", "", "Ищет шины", USED)  # type: ignore[arg-type]


def wish(call_id: str, sequence: int, minutes: int = 0) -> CallbackRequested:
    at = NOON + timedelta(minutes=minutes)
    return CallbackRequested(call_id, sequence, at, "+79161234567", "Анна", "Зимние шины", "завтра утром")
