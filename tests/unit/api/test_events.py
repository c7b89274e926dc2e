"""Events: what readers of them get, from where on, and what they are told of what they missed."""

import json
from collections.abc import Iterable
from dataclasses import replace

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from callengine.api.event_ring import READERS, EventRing, Shown
from callengine.api.event_stream import (
    CATCH_UP_SECONDS,
    EVENTS_AT_ONCE,
    HEAD,
    HEARTBEAT,
    HEARTBEAT_SECONDS,
    EventStream,
    event_text,
)
from callengine.api.event_views import event_of
from callengine.ports.events import Place
from callengine.ports.journal import CallerFound, Entry, TurnRecorded
from callengine.services.memory import MemoryJournal
from callengine.services.told_journal import Hearer, ToldJournal
from tests.unit.api.fakes import CALL, CLOSED, OPENED, RECORD, Engine, problem_of

Event = tuple[str, str, dict[str, object]]  # id, name, data


def turn(sequence: int, text: str = "да") -> TurnRecorded:
    return TurnRecorded(str(CALL), sequence, "caller", text, 0.0, 1.0)


def shown(entry: Entry, place: Place | None) -> Shown:
    name, data = event_of(entry)
    return Shown(event_text(name, data, place), 0, place, entry.call_id)


def ring_of(count: int, size: int = 100) -> EventRing:
    """Events from 7-1 on, of a node that began to hear at 7-0."""
    ring = EventRing(size=size)
    ring.begin((7, 0))
    for sequence in range(1, count + 1):
        ring.add(shown(turn(sequence), (7, sequence)))
    return ring


def parsed(text: bytes) -> list[Event]:
    """Events of a stream's text, as a browser reads it: comments and `retry` apart."""
    found: list[Event] = []
    for block in text.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            found.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
    return found


async def rest_of(ring: EventRing, last_id: str | None) -> list[Event]:
    """All that a reader gets of a node that has drained."""
    ring.drain()
    await ring.close(0)
    return parsed(b"".join([chunk async for chunk in EventStream(ring, last_id)]))


async def told_while_waiting(stream: EventStream, ring: EventRing, sequences: Iterable[int]) -> list[Event]:
    """What a reader gets at once that waits while these turns are told."""
    got: list[bytes] = []

    async def read() -> None:
        got.append(await anext(stream))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        for sequence in sequences:
            ring.add(shown(turn(sequence), (7, sequence)))
    return parsed(got[0])


async def test_a_reader_that_comes_back_gets_what_it_has_not_had() -> None:
    events = await rest_of(ring_of(5), "7-3")
    assert [(number, name) for number, name, _ in events] == [("7-4", "turn"), ("7-5", "turn"), ("", "draining")]
    assert events[0][2]["sequence"] == 4


@pytest.mark.parametrize("last_id", ["6-3", "7-6", "8-1", "7-11", "nonsense", "", "7-", "-1", "７-1"])
async def test_an_id_that_the_ring_does_not_reach_is_a_gap_and_all_there_is(last_id: str) -> None:
    events = await rest_of(ring_of(10, size=3), last_id)
    assert [(number, name) for number, name, _ in events] == [
        ("7-7", "gap"), ("7-8", "turn"), ("7-9", "turn"), ("7-10", "turn"), ("", "draining")
    ]  # fmt: skip
    assert events[0][2] == {"missed": None}


async def test_an_id_of_before_this_node_heard_of_the_others_is_a_gap_without_a_place() -> None:
    ring = EventRing()
    ring.add(shown(turn(1), None))
    assert [(number, name) for number, name, _ in await rest_of(ring, "7-3")] == [
        ("", "gap"), ("", "turn"), ("", "draining")
    ]  # fmt: skip


async def test_a_reader_that_knows_more_than_this_node_is_waited_for(autojump_clock: MockClock) -> None:
    """It heard the event of another node, and this one is about to."""
    ring = ring_of(5)
    stream = EventStream(ring, "7-6")
    assert await anext(stream) == HEAD
    events = await told_while_waiting(stream, ring, (6, 7))
    assert [(number, name) for number, name, _ in events] == [("7-7", "turn")]
    late = EventStream(ring, "7-9")
    assert await anext(late) == HEAD
    began = trio.current_time()
    assert [name for _, name, _ in parsed(await anext(late))] == ["gap"] + ["turn"] * 7
    assert trio.current_time() - began == CATCH_UP_SECONDS


async def test_events_without_a_place_follow_the_one_before_them() -> None:
    ring = ring_of(2)
    ring.add(shown(turn(3), None))
    ring.add(Shown(b"id: 7-3\n\n", 0, (7, 3)))
    ring.add(shown(turn(4), (7, 4)))
    assert [number for number, _, _ in await rest_of(ring, "7-2")] == ["", "7-4", ""]
    assert [number for number, _, _ in await rest_of(ring, "7-3")] == ["7-4", ""]


async def test_what_is_forgotten_is_not_to_be_had(autojump_clock: MockClock) -> None:
    ring = ring_of(2)
    ring.add(Shown(event_text("turn", {"call_id": "other"}, (7, 3)), 0, (7, 3), "other"))
    ring.forget(str(CALL))
    assert [number for number, _, _ in await rest_of(ring, "7-0")] == ["7-3", ""]


async def test_what_is_old_fades() -> None:
    ring = ring_of(2)
    ring.add(Shown(b"", 5000, (7, 3)))
    ring.fade(5000)
    assert (ring.first, ring.last, ring.since) == (3, 3, (7, 2))


async def test_a_reader_that_begins_gets_what_comes_and_no_gap() -> None:
    assert [name for _, name, _ in await rest_of(ring_of(10), None)] == ["draining"]


@given(st.integers(1, 8), st.lists(st.sampled_from(["tell", "tell alone", "read"]), max_size=60))
def test_readers_that_come_back_get_each_event_once_or_hear_of_a_gap(size: int, acts: list[str]) -> None:
    ring, had, placed = EventRing(size=size), (7, 0), 0
    ring.begin(had)
    for act in acts:
        if act == "read":
            at = ring.number_behind(had)
            behind = [ring.event(number) for number in range(at or ring.first, ring.last + 1)]
            assert all(behind)
            places = [event.place for event in behind if event is not None and event.place is not None]
            whole = list(range(had[1] + 1, placed + 1))
            assert [number for _, number in places] == (whole if at is not None else whole[len(whole) - len(places) :])
            assert at is not None or len(places) < len(whole)
            had = (7, placed)
            continue
        placed += act == "tell"
        ring.add(Shown(b"x", 0, (7, placed) if act == "tell" else None))


async def test_telling_wakes_readers_and_many_events_come_in_parts() -> None:
    ring = EventRing()
    stream = EventStream(ring, None)
    assert await anext(stream) == HEAD
    events = await told_while_waiting(stream, ring, range(1, EVENTS_AT_ONCE + 2))
    assert [number for number, _, _ in events] == [f"7-{number}" for number in range(1, EVENTS_AT_ONCE + 1)]
    assert [number for number, _, _ in parsed(await anext(stream))] == [f"7-{EVENTS_AT_ONCE + 1}"]


async def test_silence_has_heartbeats_on_time(autojump_clock: MockClock) -> None:
    stream = EventStream(EventRing(), None)
    assert await anext(stream) == HEAD
    began = trio.current_time()
    assert [await anext(stream) for _ in range(4)] == [HEARTBEAT] * 4
    assert trio.current_time() - began == 4 * HEARTBEAT_SECONDS


async def test_a_reader_that_is_too_slow_loses_its_place_and_hears_of_it_when_it_comes_back() -> None:
    ring = ring_of(1, size=3)
    stream = EventStream(ring, "7-0")
    assert await anext(stream) == HEAD
    assert [number for number, _, _ in parsed(await anext(stream))] == ["7-1"]
    for sequence in range(2, 12):
        ring.add(shown(turn(sequence), (7, sequence)))
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert [(number, data) for number, name, data in await rest_of(ring, "7-1") if name == "gap"] == [
        ("7-8", {"missed": None})
    ]


async def test_a_reader_hears_when_the_other_nodes_cannot_be_heard(autojump_clock: MockClock) -> None:
    ring = ring_of(0)
    ring.set_alone(True)
    stream = EventStream(ring, None)
    assert [name for _, name, _ in parsed(await anext(stream))] == ["alone"]
    ring.set_alone(False)
    assert [name for _, name, _ in parsed(await anext(stream))] == ["together"]
    assert await anext(stream) == HEARTBEAT


def test_every_entry_says_what_the_record_shows() -> None:
    entries: list[Entry] = [OPENED, *RECORD.turns, *RECORD.tools, *RECORD.callbacks, CLOSED]
    entries.append(CallerFound(str(CALL), "+79123456789", "Иван", "100", "PJSIP/7"))
    events = dict(event_of(entry) for entry in entries)
    assert set(events) == {"opened", "turn", "tool", "callback", "closed", "caller"}
    assert {data["call_id"] for data in events.values()} == {str(CALL)}
    assert events["opened"]["opened_at"] == "2026-03-01T09:00:00Z"
    assert "closed_at" not in events["opened"]
    assert events["turn"]["text"] == "Здравствуйте"
    assert (events["closed"]["closed_at"], events["closed"]["summary"]) == ("2026-03-01T09:01:00Z", "Ищет шины.")
    assert events["closed"]["cost_usd"]["total"] == 0.0164396667
    json.dumps(list(events.values()), allow_nan=False)


async def test_odd_text_does_not_end_a_stream() -> None:
    ring = ring_of(0)
    ring.add(shown(turn(1, "half a pair \ud800, lines\n\nevent: x\r\n"), (7, 1)))
    ring.add(shown(replace(RECORD.tools[0], arguments={"a": float("nan"), "\udfff": ["\ud800"]}), (7, 2)))
    events = await rest_of(ring, "7-0")
    assert [name for _, name, _ in events] == ["turn", "tool", "draining"]
    assert events[0][2]["text"] == "half a pair ?, lines\n\nevent: x\r\n"


async def test_the_record_is_told_and_so_are_the_events() -> None:
    told, behind = list[Entry](), MemoryJournal()
    journal = ToldJournal(behind, told.append)
    entries: list[Entry] = [OPENED, *RECORD.turns, CLOSED]
    for entry in entries:
        journal.record_nowait(entry)
    await journal.flush()
    await journal.check()
    assert (behind.entries, journal.backlog, told) == (entries, 0, entries)
    assert await journal.call(str(CALL)) == await behind.call(str(CALL))
    assert [list(await port.calls(5)) for port in (journal, behind)] == [
        [replace(RECORD, turns=(), tools=(), callbacks=())]
    ] * 2
    assert await journal.callbacks(5) == []


def test_what_is_told_before_anybody_listens_is_heard_then() -> None:
    hearer, heard = Hearer(), list[Entry]()
    hearer.tell(OPENED)
    hearer.listen(heard.append)
    hearer.tell(CLOSED)
    assert heard == [OPENED, CLOSED]


async def test_an_api_reader_needs_a_token_and_a_place() -> None:
    engine = Engine()
    async with engine.client(peer="192.0.2.7") as client:
        problem_of(await client.get("/api/v1/events"), 401)
    assert all(engine.events.enter() for _ in range(READERS))
    async with engine.client() as client:
        response = await client.get("/api/v1/events")
        assert "readers" in problem_of(response, 503)
        assert response.headers["retry-after"] == "30"
    assert engine.events.readers == READERS


async def test_the_read_token_follows_a_node_to_its_end() -> None:
    engine = Engine()
    engine.events.begin((7, 0))
    engine.events.add(shown(OPENED, (7, 1)))
    engine.events.drain()
    await engine.events.close(0)
    bearer = {"Authorization": "Bearer read-token", "Last-Event-ID": "7-0"}
    async with engine.client(peer="192.0.2.7", API_TOKEN="full-token", API_READ_TOKEN="read-token") as client:
        response = await client.get("/api/v1/events", headers=bearer)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert [name for _, name, _ in parsed(response.content)] == ["opened", "draining"]
    assert engine.events.readers == 0
