"""The Registry port, held against every implementation."""

from datetime import UTC, datetime, timedelta

from callengine.ports.registry import LiveCall
from callengine.ports.tools import CallerContext
from tests.contract.registries import OpenRegistries

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
ANNA = CallerContext("a", "ru-RU", "+79161234567", "Анна", "100", "PJSIP/trunk-0001", {"queue": "sales"})


def call(call_id: str, node: str = "node-1", after: float = 0) -> LiveCall:
    return LiveCall(call_id, node, NOON + timedelta(seconds=after))


async def test_nothing_is_up_at_first(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (registry, _):
        await registry.check()
        assert list(await registry.live_calls()) == []


async def test_a_call_is_up_until_it_is_down(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (registry, _):
        registry.call_up_nowait(call("a"))
        assert list(await registry.live_calls()) == [call("a")]
        registry.call_down_nowait("a")
        assert list(await registry.live_calls()) == []


async def test_going_down_unknown_or_twice_is_nothing(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (registry, _):
        registry.call_down_nowait("nobody")
        registry.call_up_nowait(call("a"))
        registry.call_down_nowait("a")
        registry.call_down_nowait("a")
        assert list(await registry.live_calls()) == []


async def test_nodes_see_each_others_calls(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (first, second):
        first.call_up_nowait(call("a", "node-1"))
        second.call_up_nowait(call("b", "node-2", after=1))
        assert list(await first.live_calls())[:1] == [call("a", "node-1")]
        assert list(await second.live_calls()) == [call("a", "node-1"), call("b", "node-2", after=1)]
        assert list(await first.live_calls()) == [call("a", "node-1"), call("b", "node-2", after=1)]


async def test_a_call_that_moved_is_where_it_went_up_last(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (first, second):
        first.call_up_nowait(call("a", "node-1"))
        await first.live_calls()
        second.call_up_nowait(call("a", "node-2", after=5))
        assert list(await second.live_calls()) == [call("a", "node-2", after=5)]


async def test_what_the_dialplan_said_is_taken_once_on_any_node(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (first, second):
        assert await first.take_caller("a") is None
        await first.put_caller(ANNA)
        assert await second.take_caller("a") == ANNA
        assert await second.take_caller("a") is None
        assert await first.take_caller("a") is None


async def test_the_dialplan_may_say_it_again(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (registry, _):
        await registry.put_caller(ANNA)
        later = CallerContext("a", "en-GB")
        await registry.put_caller(later)
        assert await registry.take_caller("a") == later


async def test_many_calls_come_and_go(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (registry, _):
        for number in range(200):
            registry.call_up_nowait(call(f"call-{number:03}", after=number))
        for number in range(0, 200, 2):
            registry.call_down_nowait(f"call-{number:03}")
        live = await registry.live_calls()
        assert [entry.call_id for entry in live] == [f"call-{number:03}" for number in range(1, 200, 2)]
