"""What becomes of a call's record, by the Journal port, held against every implementation."""

from dataclasses import replace
from datetime import timedelta

from callengine.ports.journal import (
    CallerFound,
    CallRecord,
    RecordingKept,
    ToolRecorded,
)
from callengine.services.journal_numbers import BESIDE
from tests.contract.entries import NOON, USED, closed, opened, tool, turn, wish
from tests.contract.journals import OpenJournal


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


async def test_another_entry_of_a_taken_number_is_kept_beside_it_once(open_any_journal: OpenJournal) -> None:
    """Two connections of a call that were numbered alike: nothing of either is lost, whichever is written again."""
    one = (turn("a", 1), tool("a", 2), wish("a", 2))
    other = (
        replace(turn("a", 1, "Снова здравствуйте."), started=70.5),
        replace(tool("a", 2), started=71.0),
        replace(wish("a", 2), requested_at=NOON + timedelta(minutes=2)),
    )
    third = replace(turn("a", 1, "И ещё раз."), started=140.0)
    async with open_any_journal() as journal:
        journal.record_nowait(opened("a"))
        for entry in (*one, *other, *one, third, *other, *one, third):
            journal.record_nowait(entry)
            await journal.flush()
        record = await journal.call("a")
        assert record is not None
        numbers = (1, 1 + BESIDE, 1 + 2 * BESIDE)
        said = (one[0], other[0], third)
        assert record.turns == tuple(replace(kept, sequence=n) for kept, n in zip(said, numbers, strict=True))
        assert record.tools == (one[1], replace(other[1], sequence=2 + BESIDE))
        assert record.callbacks == (one[2], replace(other[2], sequence=2 + BESIDE))


async def test_two_entries_of_one_number_may_come_in_one_moment(open_any_journal: OpenJournal) -> None:
    other = replace(turn("a", 1, "Снова здравствуйте."), started=70.5)
    async with open_any_journal() as journal:
        for entry in (opened("a"), turn("a", 1), other, turn("a", 2), other):
            journal.record_nowait(entry)
        await journal.flush()
        record = await journal.call("a")
        assert record is not None
        assert record.turns == (turn("a", 1), turn("a", 2), replace(other, sequence=1 + BESIDE))


async def test_a_call_began_where_it_came_first_though_that_node_says_so_last(open_any_journal: OpenJournal) -> None:
    """The spool of a node that died is written when the call is over long since, on another node."""
    later = replace(opened("a", NOON + timedelta(seconds=40)), node="node-2")
    by_time = replace(turn("a", 1_772_366_440_000_001, "Добрый день!"), started=0.1)
    async with open_any_journal() as journal:
        for entry in (later, by_time, closed("a"), opened("a"), turn("a", 1), later):
            journal.record_nowait(entry)
            await journal.flush()
        record = await journal.call("a")
        assert record == CallRecord(opened("a"), closed("a"), (turn("a", 1), by_time))
        assert [listed.opened for listed in await journal.calls(10)] == [opened("a")]
