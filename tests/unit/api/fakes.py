"""An engine the API can be asked about: ports in memory, callables that note what they were told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Literal
from uuid import UUID

import httpx
import trio

from callengine.api.app import build_api
from callengine.api.event_ring import EventRing
from callengine.api.shared_events import SharedEvents
from callengine.api.state import Admission, ApiState
from callengine.config import load_settings
from callengine.errors import EngineError, ServiceError
from callengine.ports.calls_wanted import ALL_CALLS, CallsWanted
from callengine.ports.journal import (
    CallbackRequested,
    CallClosed,
    CallOpened,
    CallRecord,
    Entry,
    RecordingKept,
    ToolRecorded,
    TurnRecorded,
)
from callengine.ports.registry import Claim, LiveCall
from callengine.ports.sound import Sound
from callengine.ports.tools import CallerContext
from callengine.ports.usage import Used
from callengine.services.memory_events import MemoryEventLog
from callengine.services.wanted_calls import is_wanted

CALL = UUID("6ba7b810-9dad-41d1-80b4-00c04fd430c8")
OPENED = CallOpened(
    str(CALL), "node-a", datetime(2026, 3, 1, 9, 0, tzinfo=UTC), "ru-RU", "+79123456789", "Иван", "100", {}, "PJSIP/7"
)
USED = (
    Used("llm", "claude-haiku-5-5", input_tokens=1200, cache_read_tokens=5300, usd=Decimal("0.000173")),
    Used("stt", "google/v2/chirp_3", seconds=61.0, usd=Decimal("0.0162666667")),
)
CLOSED = CallClosed(
    str(CALL), datetime(2026, 3, 1, 9, 1, tzinfo=UTC), 60.0, "completed", "caller hung up", "", "Ищет шины.", USED
)
RECORD = CallRecord(
    OPENED,
    CLOSED,
    (TurnRecorded(str(CALL), 1, "agent", "Здравствуйте", 0.1, 1.4, timings={"response": 0.09}, used=USED[:1]),),
    (ToolRecorded(str(CALL), 2, "find_product", {"query": "шины"}, "[]", False, 3.0, 0.02),),
    (CallbackRequested(str(CALL), 3, OPENED.opened_at, "+79123456789", "Иван", "шины", "завтра"),),
)

FILE = f"2026-03-01/20260301T090000000000_{CALL}_1.wav"
KEPT = RecordingKept(str(CALL), FILE, "node-a", OPENED.opened_at, 60.0)


@dataclass
class Records:
    """A journal that only answers; `away` makes every question fail."""

    records: list[CallRecord] = field(default_factory=list)
    away: bool = False
    checks: int = 0
    backlog: int = 0
    spool_failed: bool = False

    def record_nowait(self, entry: Entry) -> None:
        raise NotImplementedError

    async def flush(self) -> None:
        raise NotImplementedError

    async def check(self) -> None:
        self.checks += 1
        if self.away:
            raise ServiceError("postgresql://shop:pa55@db refuses")

    async def call(self, call_id: str) -> CallRecord | None:
        await self.check()
        return next((record for record in self.records if record.opened.call_id == call_id), None)

    async def calls(self, limit: int, wanted: CallsWanted = ALL_CALLS) -> Sequence[CallRecord]:
        await self.check()
        return [record for record in self.records if is_wanted(record, wanted)][:limit]

    async def callbacks(self, limit: int, before: datetime | None = None) -> Sequence[CallbackRequested]:
        await self.check()
        every = [callback for record in self.records for callback in record.callbacks]
        return [callback for callback in every if before is None or callback.requested_at < before][:limit]


@dataclass
class Callers:
    """A registry that keeps callers."""

    put: list[CallerContext] = field(default_factory=list)
    away: bool = False

    def call_up_nowait(self, call: LiveCall) -> None:
        raise NotImplementedError

    def call_down_nowait(self, call_id: str) -> None:
        raise NotImplementedError

    async def live_calls(self) -> Sequence[LiveCall]:
        return []

    async def put_caller(self, caller: CallerContext) -> None:
        await self.check()
        self.put.append(caller)

    async def take_caller(self, call_id: str) -> CallerContext | None:
        return None

    async def claim(self, call_id: str) -> Claim:
        raise NotImplementedError

    def checkpoint_nowait(self, claim: Claim, text: str) -> None:
        raise NotImplementedError

    def outcome_nowait(self, claim: Claim, word: str) -> None:
        raise NotImplementedError

    def release_nowait(self, claim: Claim) -> None:
        raise NotImplementedError

    async def outcome(self, call_id: str) -> str:
        raise NotImplementedError

    async def publish(self) -> None:
        raise NotImplementedError

    async def check(self) -> None:
        if self.away:
            raise ServiceError("redis://cache refuses")


@dataclass
class Engine:
    """The engine behind the API, in memory."""

    journal: Records = field(default_factory=Records)
    registry: Callers = field(default_factory=Callers)
    listening: bool = True
    admission: Admission = field(default_factory=lambda: Admission(1, 2, False))
    outcomes: dict[UUID, str] = field(default_factory=dict)
    announced: dict[UUID, UUID] = field(default_factory=dict)
    up: set[UUID] = field(default_factory=set)
    ordered: dict[UUID, str] = field(default_factory=dict)
    deaf: bool = False  # Asterisk does not confirm
    elsewhere_away: bool = False  # a call that is not up here is on a node that does not answer
    faults: dict[str, EngineError] = field(default_factory=dict)  # of what is beyond this node, by the part's name
    silent: set[str] = field(default_factory=set)  # parts that never answer
    asked: list[str] = field(default_factory=list)
    events: EventRing = field(default_factory=EventRing)
    sounds: dict[str, bytes] = field(default_factory=dict)  # by the recording's file
    sounds_away: bool = False
    fallback: bool = False  # there is a second recogniser
    fallback_carries: bool = False

    def drain(self) -> None:
        self.admission = Admission(self.admission.calls, self.admission.capacity, True)

    async def outcome(self, call: UUID) -> str:
        return self.outcomes.get(call, "retry")

    async def transfer(self, call: UUID, target: str) -> Literal["unknown", "no_target", "ending", "ordered"]:
        if call not in self.up:
            return self._elsewhere()
        if target != "sales":
            return "no_target"
        if call in self.ordered:
            return "ending"
        self.ordered[call] = target
        return "ordered"

    async def hang_up(self, call: UUID) -> Literal["unknown", "closed", "told"]:
        known = call in self.up
        self.up.discard(call)
        return ("told" if self.deaf else "closed") if known else self._elsewhere()

    async def open_sound(self, kept: RecordingKept) -> Sound | None:
        if self.sounds_away:
            raise ServiceError("S3 s3://shop/calls: refuses")
        data = self.sounds.get(kept.file)
        if data is None:
            return None

        async def read(start: int, length: int) -> bytes:
            return data[start : start + length]

        return Sound(len(data), read, "disk")

    def _elsewhere(self) -> Literal["unknown"]:
        if self.elsewhere_away:
            raise ServiceError("node b: does not take up orders; this one was withdrawn")
        return "unknown"

    async def _reach(self, part: str) -> None:
        self.asked.append(part)
        if part in self.faults:
            raise self.faults[part]
        if part in self.silent:
            await trio.sleep_forever()

    def state(self, environ: Mapping[str, str] | None = None) -> ApiState:
        return ApiState(
            settings=load_settings(environ or {}),
            journal=self.journal,
            registry=self.registry,
            listening=lambda: self.listening,
            admission=lambda: self.admission,
            outcome=self.outcome,
            announcement=self.announced.get,
            transfer=self.transfer,
            hang_up=self.hang_up,
            drain=self.drain,
            reachable={part: partial(self._reach, part) for part in self._beyond()},
            fallback_carries=lambda: self.fallback_carries,
            events=SharedEvents(self.events, MemoryEventLog()),
            open_sound=self.open_sound,
        )

    def _beyond(self) -> tuple[str, ...]:
        return ("recognizer", "dialog", "fallback_recognizer") if self.fallback else ("recognizer", "dialog")

    def client(self, peer: str = "127.0.0.1", **environ: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(
            build_api(self.state(environ)), client=(peer, 40000), raise_app_exceptions=False
        )
        return httpx.AsyncClient(transport=transport, base_url="http://localhost:8080")


def problem_of(response: httpx.Response, status: int) -> str:
    """The detail of a problem document, which the response must be."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    return str(body["detail"])
