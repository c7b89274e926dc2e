"""Events of several nodes over one log in memory, in virtual time: each is shown once at every node, whatever fails."""

import json

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from callengine.api.event_ring import EventRing
from callengine.api.event_stream import EventStream
from callengine.api.shared_events import AGAIN_SECONDS, KEEP_MS, LOAD_SECONDS, MOST_WAITING, SharedEvents
from callengine.errors import AwayError
from callengine.ports.events import Told
from callengine.ports.journal import TurnRecorded
from callengine.services.memory_events import MemoryEventLog
from tests.unit.api.test_events import parsed

AWAY = AwayError("events: away (check REDIS_URL)")
SETTLED_SECONDS = 10.0  # of virtual time: longer than every wait there is


def said(node: str, number: int) -> TurnRecorded:
    return TurnRecorded(node, number, "caller", f"{node}{number}", 0.0, 1.0)


async def seen(events: SharedEvents, last_id: str | None = None) -> list[str]:
    """What a reader that comes now gets at once: texts of turns, names of other events."""
    found: list[str] = []
    stream = EventStream(events.ring, last_id)
    with trio.move_on_after(2):
        while True:
            for _, name, data in parsed(await anext(stream)):
                found.append(str(data["text"]) if name == "turn" else f"{name} {json.dumps(data)}")
    return found


class Follower:
    """A reader that stays: `got` and `last_id` as its browser would have them."""

    def __init__(self, events: SharedEvents, last_id: str | None = None) -> None:
        self.got: list[str] = []
        self.last_id = last_id
        self._stream = EventStream(events.ring, last_id)

    async def run(self) -> None:
        async for chunk in self._stream:
            for line in chunk.decode().splitlines():
                if line.startswith("id: "):
                    self.last_id = line.removeprefix("id: ")
            for _, name, data in parsed(chunk):
                self.got.append(str(data["text"]) if name == "turn" else name)


async def node(log: MemoryEventLog, nursery: trio.Nursery) -> SharedEvents:
    events = SharedEvents(EventRing(), log)
    await events.load()
    nursery.start_soon(events.run)
    return events


async def test_readers_at_every_node_hear_of_all_calls_in_one_order(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        log = MemoryEventLog()
        first, second = await node(log, nursery), await node(log, nursery)
        readers = [Follower(first), Follower(second)]
        for reader in readers:
            nursery.start_soon(reader.run)
        await trio.testing.wait_all_tasks_blocked()
        for number in range(1, 4):
            first.tell(said("a", number))
            second.tell(said("b", number))
            await trio.sleep(SETTLED_SECONDS)
        assert readers[0].got == readers[1].got
        assert sorted(readers[0].got) == ["a1", "a2", "a3", "b1", "b2", "b3"]
        assert await seen(second, readers[0].last_id) == []
        first.tell(said("a", 4))
        await trio.sleep(SETTLED_SECONDS)
        assert await seen(second, readers[0].last_id) == []
        late = await node(log, nursery)
        assert (await seen(late), await seen(late, "0-1"))[1][1:] == readers[0].got
        nursery.cancel_scope.cancel()


async def test_a_node_on_its_own_shows_its_own_at_once_and_nothing_twice(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        log = MemoryEventLog()
        first, second = await node(log, nursery), await node(log, nursery)
        at_first, at_second = Follower(first), Follower(second)
        nursery.start_soon(at_first.run)
        nursery.start_soon(at_second.run)
        first.tell(said("a", 1))
        await trio.sleep(SETTLED_SECONDS)
        log.fault = AWAY
        await trio.sleep(SETTLED_SECONDS)
        began = trio.current_time()
        first.tell(said("a", 2))
        second.tell(said("b", 1))
        await trio.testing.wait_all_tasks_blocked()
        assert trio.current_time() == began
        assert (at_first.got, at_second.got) == (["a1", "alone", "a2"], ["a1", "alone", "b1"])
        while_alone = at_first.last_id
        log.fault = None
        await trio.sleep(SETTLED_SECONDS)
        first.tell(said("a", 3))
        await trio.sleep(SETTLED_SECONDS)
        assert [got for got in at_first.got if got != "together"] == ["a1", "alone", "a2", "b1", "a3"]
        assert [got for got in at_second.got if got != "together"] == ["a1", "alone", "b1", "a2", "a3"]
        assert sorted(await seen(second, while_alone)) == ["a2", "a3", "b1"]
        assert await seen(second, at_first.last_id) == []
        nursery.cancel_scope.cancel()


async def test_a_node_that_starts_alone_joins_the_others_later(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        log = MemoryEventLog()
        await log.put([Told("earlier", 5, "turn", "c", "{}")])
        log.fault = AWAY
        events = await node(log, nursery)
        reader = Follower(events)
        nursery.start_soon(reader.run)
        events.tell(said("a", 1))
        await trio.sleep(SETTLED_SECONDS)
        assert reader.got == ["alone", "a1"]
        log.fault = None
        await trio.sleep(SETTLED_SECONDS)
        events.tell(said("a", 2))
        await trio.sleep(SETTLED_SECONDS)
        assert reader.got == ["alone", "a1", "together", "a2"]
        assert (await seen(events, "0-1"))[0] == 'gap {"missed": null}'
        nursery.cancel_scope.cancel()


async def test_a_log_that_hangs_delays_a_start_by_a_limit(autojump_clock: MockClock) -> None:
    class Hanging(MemoryEventLog):
        async def _check(self) -> None:
            await trio.sleep_forever()

    events = SharedEvents(EventRing(), Hanging())
    await events.load()
    assert trio.current_time() == LOAD_SECONDS


async def test_what_is_too_much_for_the_time_alone_is_a_gap_elsewhere(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        log = MemoryEventLog()
        first, second = await node(log, nursery), await node(log, nursery)
        first.tell(said("a", 1))
        await trio.sleep(SETTLED_SECONDS)
        here, there = Follower(first), Follower(second)
        nursery.start_soon(here.run)
        nursery.start_soon(there.run)
        log.fault = AWAY
        await trio.sleep(SETTLED_SECONDS)
        for number in range(2, MOST_WAITING + 12):
            first.tell(said("a", number))
            await trio.testing.wait_all_tasks_blocked()
        log.fault = None
        await trio.sleep(SETTLED_SECONDS)
        heard = [got for got in there.got if got not in ("alone", "together")]
        assert (heard[0], heard[1], len(heard)) == ("gap", "a12", MOST_WAITING + 1)
        assert "gap" not in here.got
        assert len([got for got in here.got if got not in ("alone", "together")]) == MOST_WAITING + 10
        nursery.cancel_scope.cancel()


async def test_a_call_that_is_forgotten_is_so_at_every_node(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        log = MemoryEventLog()
        events = await node(log, nursery)
        events.tell(said("a", 1))
        events.tell(said("b", 2))
        await trio.sleep(SETTLED_SECONDS)
        await log.put([Told("", 1, "forgotten", "a", "")])
        await trio.sleep(SETTLED_SECONDS)
        assert (await seen(events, "0-1"))[1:] == ["b2", 'forgotten {"call_id": "a"}']
        nursery.cancel_scope.cancel()


async def test_the_end_waits_for_what_was_told_and_shows_the_rest(autojump_clock: MockClock) -> None:
    log = MemoryEventLog()
    async with trio.open_nursery() as nursery:
        events = await node(log, nursery)
        events.tell(said("a", 1))
        await events.close(5)
        assert [each.told.number for each in log.events] == [1]
        assert events.ring.last == 1
        nursery.cancel_scope.cancel()
    lost = SharedEvents(EventRing(), log)
    lost.tell(said("a", 1))
    began = trio.current_time()
    await lost.close(5)
    assert (trio.current_time() - began, lost.ring.last) == (5, 1)


async def test_old_events_fade_from_a_quiet_node(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    async with trio.open_nursery() as nursery:
        events = await node(MemoryEventLog(), nursery)
        events.tell(said("a", 1))
        await trio.sleep(SETTLED_SECONDS)
        assert events.ring.event(1) is not None
        monkeypatch.setattr("callengine.api.shared_events.KEEP_MS", -KEEP_MS)  # later by two hours
        await trio.sleep(SETTLED_SECONDS)
        assert events.ring.event(1) is None
        nursery.cancel_scope.cancel()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a tells", "b tells", "away", "there", "answer lost"]),
            st.sampled_from([0.0, 0.01, AGAIN_SECONDS, SETTLED_SECONDS]),
        ),
        max_size=40,
    )
)
def test_whatever_fails_each_event_is_shown_once_at_each_node(acts: list[tuple[str, float]]) -> None:
    async def play() -> None:
        async with trio.open_nursery() as nursery:
            log = MemoryEventLog()
            nodes = {name: await node(log, nursery) for name in "ab"}
            readers = [Follower(events) for events in nodes.values()]
            for reader in readers:
                nursery.start_soon(reader.run)
            await trio.testing.wait_all_tasks_blocked()
            told = {"a": 0, "b": 0}
            for act, pause in acts:
                if act.endswith("tells"):
                    told[act[0]] += 1
                    nodes[act[0]].tell(said(act[0], told[act[0]]))
                elif act == "answer lost":
                    log.halved = AWAY
                else:
                    log.fault = AWAY if act == "away" else None
                await trio.sleep(pause)
            log.fault = log.halved = None
            await trio.sleep(SETTLED_SECONDS)
            for reader in readers:
                texts = [got for got in reader.got if got not in ("alone", "together")]
                for name, count in told.items():
                    assert [text for text in texts if text[0] == name] == [f"{name}{n}" for n in range(1, count + 1)]
            for events in nodes.values():
                assert not events._own
                assert await seen(events, readers[0].last_id or "0-0") in ([], ['gap {"missed": null}'])
            nursery.cancel_scope.cancel()

    trio.run(play, clock=MockClock(autojump_threshold=0))
