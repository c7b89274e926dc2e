"""The EventLog port, held against every implementation."""

import pytest
import redis
import trio

from callengine.errors import ServiceError
from callengine.ports.events import EventLog, Heard, Place, Told
from callengine.services import event_log as event_log_module
from callengine.services.bridge import open_bridge
from callengine.services.event_log import KEEP_SECONDS, STREAM, RedisEventLog, forget_events, open_event_log
from callengine.services.memory_events import MemoryEventLog
from callengine.services.redis_client import open_redis
from tests.contract.pairs import IMPLEMENTATIONS, OpenPair, pair_opener
from tests.recognizers import NOBODY_THERE
from tests.state_servers import FIXTURES

OpenLogs = OpenPair[EventLog]
PATIENCE_SECONDS = 60
ODD = 'строка, "кавычки", \\n, \U0001f600'


@pytest.fixture(params=IMPLEMENTATIONS)
def open_logs(request: pytest.FixtureRequest) -> OpenLogs:
    return pair_opener(request, MemoryEventLog, lambda url, _name, bridge: open_event_log(url, bridge))


def told(number: int, source: str = "a") -> Told:
    return Told(source, number, "turn", f"call-{source}", ODD)


async def all_of(log: EventLog, place: Place = (0, 0)) -> list[Heard]:
    found: list[Heard] = []
    while more := await log.after(found[-1].place if found else place, 0):
        found += more
    return found


async def test_nothing_was_told_at_first(open_logs: OpenLogs) -> None:
    async with open_logs() as (log, _):
        assert (await log.newest(), list(await log.after((0, 0), 0))) == ((0, 0), [])
        assert list(await log.after((0, 0), 0.01)) == []


async def test_nodes_hear_each_other_in_one_order(open_logs: OpenLogs) -> None:
    async with open_logs() as (first, second):
        await first.put([told(1), told(2)])
        await second.put([told(1, "b")])
        await first.put([told(3)])
        heard = await all_of(first)
        assert heard == await all_of(second)
        assert [each.told for each in heard] == [told(1), told(2), told(1, "b"), told(3)]
        places = [each.place for each in heard]
        assert places == sorted(set(places))
        assert await second.newest() == places[-1]
        assert await all_of(second, places[1]) == heard[2:]


async def test_what_comes_is_waited_for(open_logs: OpenLogs) -> None:
    got: list[Heard] = []

    async with open_logs() as (first, second):
        await first.put([told(1)])

        async def wait() -> None:
            place = await second.newest()
            while not got:
                got.extend(await second.after(place, 2))

        with trio.fail_after(PATIENCE_SECONDS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait)
                await trio.testing.wait_all_tasks_blocked(0.05)
                await first.put([told(2)])
    assert [each.told for each in got] == [told(2)]


async def test_many_come_in_parts(open_logs: OpenLogs) -> None:
    async with open_logs() as (log, _):
        for start in range(0, 300, 20):
            await log.put([told(start + number) for number in range(1, 21)])
        assert len(await log.after((0, 0), 0)) < 100
        assert [each.told.number for each in await all_of(log)] == list(range(1, 301))


async def test_what_is_put_again_after_a_fault_is_there_once(
    open_logs: OpenLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_logs() as (log, other):
        await log.put([told(1)])
        if isinstance(log, MemoryEventLog):
            log.halved = ServiceError("events: the answer is lost")
        else:
            put = event_log_module._put

            async def lose_the_answer(client: redis.asyncio.Redis, *args: object) -> None:
                await put(client, *args)  # type: ignore[arg-type]
                raise OSError("the answer is lost")

            monkeypatch.setattr(event_log_module, "_put", lose_the_answer)
        with pytest.raises(ServiceError, match=r"^events: the answer is lost"):
            await log.put([told(2), told(3)])
        monkeypatch.undo()
        await other.put([told(1, "b")]) if other is not log else None
        await log.put([told(2), told(3), told(4)])
        assert [each.told.number for each in await all_of(log) if each.told.source == "a"] == [1, 2, 3, 4]


@pytest.mark.integration
@pytest.mark.parametrize("server", FIXTURES.values())
async def test_the_stream_is_bounded_and_fades(
    request: pytest.FixtureRequest, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log_module, "MOST_EVENTS", 200)
    url = request.getfixturevalue(server)
    async with open_bridge() as bridge, open_event_log(url, bridge) as log:
        for start in range(0, 1000, 50):
            await log.put([told(start + number) for number in range(1, 51)])
        heard = await all_of(log)
        assert 200 <= len(heard) <= 300  # whole parts of it go at once
        assert heard[-1].told.number == 1000
        async with open_redis(url, 5, bridge, texts=True) as client:
            assert 0 < await bridge.run(client.ttl, STREAM) <= KEEP_SECONDS


@pytest.mark.integration
async def test_what_is_older_than_an_hour_goes_with_the_next_event(redis_url: str) -> None:
    with redis.from_url(redis_url) as client:
        old = {"source": "a", "number": "1", "name": "turn", "call_id": "c", "data": "{}"}
        client.xadd(STREAM, old, id="1000-0")
    async with open_bridge() as bridge, open_event_log(redis_url, bridge) as log:
        assert await log.newest() == (1000, 0)
        await log.put([told(1, "b")])
        assert [each.told for each in await all_of(log)] == [told(1, "b")]


@pytest.mark.integration
@pytest.mark.parametrize("server", FIXTURES.values())
async def test_calls_that_are_forgotten_go_and_the_nodes_are_told(request: pytest.FixtureRequest, server: str) -> None:
    url = request.getfixturevalue(server)
    async with (
        open_bridge() as bridge,
        open_event_log(url, bridge) as log,
        open_redis(url, 5, bridge, texts=True) as client,
    ):
        assert await bridge.run(forget_events, client, frozenset({"call-a"})) == 0
        assert await bridge.run(client.exists, STREAM) == 0
        for number in range(1, 121):
            await log.put([told(number, "a" if number % 2 else "b")])
        assert await bridge.run(forget_events, client, frozenset({"call-a", "call-c"})) == 60
        *kept, last = await all_of(log)
        assert {each.told.call_id for each in kept} == {"call-b"}
        assert last.told == Told("", 0, "forgotten", "call-a", "")


async def test_redis_that_is_away_is_one_line() -> None:
    async with open_bridge() as bridge, open_event_log(f"redis://{NOBODY_THERE}/0", bridge) as log:
        for ask in (lambda: log.put([told(1)]), lambda: log.after((0, 0), 1), log.newest):
            with pytest.raises(ServiceError, match=r"^events: [^\n]* \(check REDIS_URL\)$"):
                await ask()


async def test_redis_that_hangs_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    class Hanging:
        async def run(self, *_args: object) -> None:
            await trio.sleep_forever()

    log = RedisEventLog(None, Hanging())  # type: ignore[arg-type]
    with pytest.raises(ServiceError, match=r"^events: no answer in time"):
        await log.put([told(1)])
    assert trio.current_time() == event_log_module.ANSWER_SECONDS
    with pytest.raises(ServiceError, match=r"^events: no answer in time"):
        await log.after((0, 0), 100)
    waited = event_log_module.ANSWER_SECONDS + event_log_module.MOST_WAIT_SECONDS
    assert trio.current_time() == event_log_module.ANSWER_SECONDS + waited
