"""How calls are found and listed over the Journal port, held against every implementation."""

from dataclasses import replace
from datetime import timedelta

from callengine.ports.calls_wanted import CallsWanted, Place, number_key
from tests.contract.entries import NOON, closed, opened, tool, turn, wish
from tests.contract.journals import OpenJournal


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
