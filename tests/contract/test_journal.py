"""The Journal port, held against every implementation."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from callengine.ports.calls_wanted import CallsWanted, Place, number_key
from callengine.ports.journal import (
    CallbackRequested,
    CallClosed,
    CallerFound,
    CallOpened,
    CallRecord,
    Journal,
    RecordingKept,
    ToolRecorded,
    TurnRecorded,
)
from callengine.ports.usage import Used
from callengine.services import journal as journal_module
from callengine.services.bridge import open_bridge
from callengine.services.journal import open_journal
from callengine.services.memory import MemoryJournal
from callengine.services.spool import open_spool

OpenJournal = Callable[[], AbstractAsyncContextManager[Journal]]
NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


POSTGRES, SPOOLED = (pytest.param(name, marks=pytest.mark.integration) for name in ("postgres", "spooled"))


@pytest.fixture(params=["memory", POSTGRES, SPOOLED])
def open_any_journal(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenJournal:
    """`spooled`: PostgreSQL again, with every entry on disk before it goes there."""
    url = request.getfixturevalue("database_url") if request.param != "memory" else ""
    if request.param == "spooled":
        monkeypatch.setattr(journal_module, "KEEP_SECONDS", 0.0)

    @asynccontextmanager
    async def open_memory() -> AsyncIterator[Journal]:
        yield MemoryJournal()

    @asynccontextmanager
    async def open_postgres_journal() -> AsyncIterator[Journal]:
        async with open_bridge() as bridge, open_journal(url, bridge) as journal:
            yield journal

    @asynccontextmanager
    async def open_spooled_journal() -> AsyncIterator[Journal]:
        with open_spool(tmp_path, "node-1") as spool:
            async with open_bridge() as bridge, open_journal(url, bridge, spool) as journal:
                yield journal
            assert spool.pending == spool.size == 0

    return {"memory": open_memory, "postgres": open_postgres_journal, "spooled": open_spooled_journal}[request.param]


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


async def test_an_empty_record_knows_no_call(open_any_journal: OpenJournal) -> None:
    async with open_any_journal() as journal:
        await journal.check()
        assert await journal.call("nobody") is None
        assert list(await journal.calls(10)) == []
        assert journal.backlog == 0


async def test_a_whole_call_comes_back_as_it_was_recorded(open_any_journal: OpenJournal) -> None:
    async with open_any_journal() as journal:
        turns = (turn("a", 1), turn("a", 3, "Есть две модели."))
        for entry in (opened("a"), turns[0], tool("a", 2), turns[1], wish("a", 4), closed("a")):
            journal.record_nowait(entry)
        await journal.flush()
        assert journal.backlog == 0
        assert await journal.call("a") == CallRecord(opened("a"), closed("a"), turns, (tool("a", 2),), (wish("a", 4),))


async def test_a_call_that_is_up_has_no_end(open_any_journal: OpenJournal) -> None:
    async with open_any_journal() as journal:
        journal.record_nowait(opened("a"))
        await journal.flush()
        assert await journal.call("a") == CallRecord(opened("a"), None)


async def test_turns_and_tools_come_in_order_of_sequence(open_any_journal: OpenJournal) -> None:
    async with open_any_journal() as journal:
        journal.record_nowait(opened("a"))
        for sequence in (5, 1, 4):
            journal.record_nowait(turn("a", sequence))
        for sequence in (3, 2):
            journal.record_nowait(tool("a", sequence))
        await journal.flush()
        record = await journal.call("a")
        assert record is not None
        assert [entry.sequence for entry in record.turns] == [1, 4, 5]
        assert [entry.sequence for entry in record.tools] == [2, 3]


async def test_recording_again_changes_nothing(open_any_journal: OpenJournal) -> None:
    async with open_any_journal() as journal:
        for _ in range(2):
            for entry in (opened("a"), turn("a", 1), tool("a", 2), wish("a", 3), closed("a")):
                journal.record_nowait(entry)
            await journal.flush()
        journal.record_nowait(turn("a", 1, "something else"))
        await journal.flush()
        whole = CallRecord(opened("a"), closed("a"), (turn("a", 1),), (tool("a", 2),), (wish("a", 3),))
        assert await journal.call("a") == whole
        assert len(await journal.calls(10)) == 1
        assert await journal.callbacks(10) == [wish("a", 3)]


async def test_what_was_used_is_kept_to_the_last_token(open_any_journal: OpenJournal) -> None:
    async with open_any_journal() as journal:
        free = replace(turn("a", 2), used=())
        unknown = replace(closed("b"), used=None)
        for entry in (
            opened("a"),
            turn("a", 1),
            free,
            closed("a"),
            opened("b"),
            replace(closed("b"), used=()),
            unknown,
        ):
            journal.record_nowait(entry)
        await journal.flush()
        record, other = await journal.call("a"), await journal.call("b")
        assert record is not None and record.closed is not None
        assert [entry.used for entry in record.turns] == [USED[:3], ()]
        assert record.closed.used == USED
        assert other is not None and other.closed == unknown
        assert [listed.closed for listed in await journal.calls(2)] == [unknown, closed("a")]


async def test_the_last_end_counts(open_any_journal: OpenJournal) -> None:
    async with open_any_journal() as journal:
        for entry in (opened("a"), closed("a", "handed_over"), closed("a", "completed")):
            journal.record_nowait(entry)
        await journal.flush()
        record = await journal.call("a")
        assert record is not None
        assert record.closed == closed("a", "completed")


async def test_an_older_end_that_comes_late_changes_nothing(open_any_journal: OpenJournal) -> None:
    """The node that a call was handed over from was away until now."""
    async with open_any_journal() as journal:
        older = replace(closed("a", "handed_over"), closed_at=NOON)
        for entry in (opened("a"), closed("a", "completed"), older):
            journal.record_nowait(entry)
            await journal.flush()
        record = await journal.call("a")
        assert record is not None
        assert record.closed == closed("a", "completed")


async def test_a_caller_may_be_found_later(open_any_journal: OpenJournal) -> None:
    async with open_any_journal() as journal:
        for _ in range(2):
            for entry in (opened("a"), CallerFound("a", "+7495", "Пётр", "200", "PJSIP/8-02"), closed("a")):
                journal.record_nowait(entry)
            await journal.flush()
        found = replace(opened("a"), number="+7495", name="Пётр", called="200", channel="PJSIP/8-02")
        assert await journal.call("a") == CallRecord(found, closed("a"))
        assert [record.opened for record in await journal.calls(10)] == [found]


async def test_calls_are_listed_newest_first_in_pages(open_any_journal: OpenJournal) -> None:
    async with open_any_journal() as journal:
        for number in (2, 0, 4, 1, 3):
            journal.record_nowait(opened(f"call-{number}", NOON + timedelta(minutes=number)))
            journal.record_nowait(turn(f"call-{number}", 1))
        journal.record_nowait(closed("call-4"))
        await journal.flush()
        first = await journal.calls(2)
        assert [record.opened.call_id for record in first] == ["call-4", "call-3"]
        assert first[0].closed == closed("call-4")
        assert first[0].turns == ()
        second = await journal.calls(10, CallsWanted(before=first[-1].opened.opened_at))
        assert [record.opened.call_id for record in second] == ["call-2", "call-1", "call-0"]


async def test_calls_of_one_moment_are_paged_by_their_place(open_any_journal: OpenJournal) -> None:
    async with open_any_journal() as journal:
        for number in range(7):
            journal.record_nowait(opened(f"call-{number}"))
        await journal.flush()
        seen: list[str] = []
        wanted = CallsWanted()
        while page := await journal.calls(3, wanted):
            seen += [record.opened.call_id for record in page]
            wanted = CallsWanted(behind=Place(page[-1].opened.opened_at, seen[-1]))
        assert seen == [f"call-{number}" for number in range(6, -1, -1)]


async def test_calls_are_found_by_time_number_and_outcome(open_any_journal: OpenJournal) -> None:
    numbers = ("+7 916 123-45-67", "89161234567", "9161234567", "916123456", "anonymous", "")
    async with open_any_journal() as journal:
        for at, number in enumerate(numbers):
            entry = replace(opened(f"call-{at}", NOON + timedelta(minutes=at)), number=number)
            journal.record_nowait(entry)
            journal.record_nowait(closed(entry.call_id, "failed" if at % 2 else "completed"))
        journal.record_nowait(opened("up", NOON + timedelta(hours=1)))
        await journal.flush()

        async def found(wanted: CallsWanted) -> list[str]:
            return [record.opened.call_id for record in await journal.calls(10, wanted)]

        mine = number_key("+79161234567")
        assert await found(CallsWanted(number=mine)) == ["up", "call-2", "call-1", "call-0"]
        assert await found(CallsWanted(number=number_key("916-123-456"))) == ["call-3"]
        assert await found(CallsWanted(number=mine, outcome="completed")) == ["call-2", "call-0"]
        assert await found(CallsWanted(outcome="failed")) == ["call-5", "call-3", "call-1"]
        times = CallsWanted(since=NOON + timedelta(minutes=1), before=NOON + timedelta(minutes=3))
        assert await found(times) == ["call-2", "call-1"]
        behind = replace(times, behind=Place(NOON + timedelta(minutes=2), "call-2"), number=mine)
        assert await found(behind) == ["call-1"]


async def test_who_is_to_be_called_back_is_listed_newest_first_in_pages(open_any_journal: OpenJournal) -> None:
    async with open_any_journal() as journal:
        for call_id in ("a", "b"):
            journal.record_nowait(opened(call_id))
        wishes = [wish("a", 1, 0), wish("b", 1, 1), wish("a", 7, 2)]
        for entry in wishes:
            journal.record_nowait(entry)
        await journal.flush()
        assert await journal.callbacks(2) == wishes[:0:-1]
        assert await journal.callbacks(10, before=wishes[1].requested_at) == [wishes[0]]
        assert [record.callbacks for record in await journal.calls(10)] == [(), ()]


async def test_odd_text_does_not_stop_the_record(open_any_journal: OpenJournal) -> None:
    async with open_any_journal() as journal:
        journal.record_nowait(opened("a"))
        journal.record_nowait(turn("a", 1, "zero \0 and half a pair \ud800"))
        odd = {"a\0": ["\0", "\udfff", float("nan"), {"b": float("inf")}]}
        journal.record_nowait(ToolRecorded("a", 2, "t", odd, "\0", False, 0.0, 0.0))
        journal.record_nowait(turn("a", 3))
        await journal.flush()
        record = await journal.call("a")
        assert record is not None
        assert [entry.sequence for entry in record.turns] == [1, 3]
        assert record.turns[1] == turn("a", 3)
        assert [entry.sequence for entry in record.tools] == [2]


async def test_many_calls_are_all_there(open_any_journal: OpenJournal) -> None:
    async with open_any_journal() as journal:
        for number in range(200):
            call_id = f"call-{number:03}"
            for entry in (opened(call_id), turn(call_id, 1), tool(call_id, 2), closed(call_id)):
                journal.record_nowait(entry)
        await journal.flush()
        records = await journal.calls(1000)
        assert sorted(record.opened.call_id for record in records) == [f"call-{number:03}" for number in range(200)]
        assert all(record.closed is not None for record in records)


async def test_where_a_call_s_recordings_are_is_known(open_any_journal: OpenJournal) -> None:
    """A file for each connection; the last word on each counts, and one of a call that nobody knows is no fault."""
    first = RecordingKept("a", "2026-03-01/a_1.wav", "node-1", NOON, 60.5)
    second = RecordingKept("a", "2026-03-01/a_2.wav", "node-2", NOON + timedelta(minutes=1), 3.0)
    sent = replace(first, url="s3://bucket/a_1.wav")
    async with open_any_journal() as journal:
        for entry in (opened("a"), second, first, closed("a"), sent, replace(first, call_id="nobody")):
            journal.record_nowait(entry)
        await journal.flush()
        record = await journal.call("a")
        assert record is not None and record.recordings == (sent, second)
