"""Nodes that know of each other through Redis, or a Cluster: who lives, whose name it is, who does what is asked."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trio

from callengine.errors import ConfigError, ServiceError
from callengine.ports.bridge import Bridge
from callengine.ports.nodes import Neighbour, Order
from callengine.services import node_store, nodes
from callengine.services.bridge import open_bridge
from callengine.services.nodes import RedisNodes, open_nodes
from callengine.services.registry import open_registry
from tests.conftest import ExpectErrorLog
from tests.state_servers import FIXTURES, SERVERS

pytestmark = pytest.mark.integration

HANG_UP = Order("hangup", "6ba7b810-9dad-41d1-80b4-00c04fd430c8")
NOBODY = "redis://127.0.0.1:1/0"
ELSEWHERE = "another machine, process 1"


@asynccontextmanager
async def patience() -> AsyncIterator[None]:
    """A guard against hanging; nothing is timed by it."""
    with trio.fail_after(60):  # noqa: ASYNC100 - what waits is in the block
        yield


@pytest.fixture(params=SERVERS)
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(FIXTURES[request.param]))


@dataclass
class Node:
    """A node that notes what it is asked, and answers `closed`."""

    nodes: RedisNodes
    asked: list[Order] = field(default_factory=list)
    silent: bool = False

    async def obey(self, order: Order) -> str:
        self.asked.append(order)
        if self.silent:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        return "closed"


@asynccontextmanager
async def node_at(url: str, name: str, free: Callable[[], int] | None = None) -> AsyncIterator[Node]:
    """A node whose registry has said its name; it obeys where `free` is given."""
    async with open_bridge() as bridge, node_in(url, name, bridge, free) as node:
        yield node


@asynccontextmanager
async def node_in(url: str, name: str, bridge: Bridge, free: Callable[[], int] | None) -> AsyncIterator[Node]:
    async with (
        open_nodes(url, name, bridge) as mine,
        open_registry(url, name, bridge) as registry,
        trio.open_nursery() as nursery,
    ):
        await registry.publish()
        node = Node(mine)
        if free is not None:
            nursery.start_soon(mine.serve, node.obey, free)  # noqa: ASYNC113 - whoever asks waits for an answer
        yield node
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def two(url: str, free: Callable[[], int] | None = lambda: 3) -> AsyncIterator[tuple[Node, Node]]:
    async with open_bridge() as bridge, node_in(url, "a", bridge, lambda: 1) as a, node_in(url, "b", bridge, free) as b:
        yield a, b


async def test_each_knows_of_the_other_and_how_many_calls_it_would_take(url: str) -> None:
    async with two(url) as (a, b), patience():
        while await a.nodes.others() != [Neighbour("b", 3)]:
            await trio.sleep(0.02)
        while await b.nodes.others() != [Neighbour("a", 1)]:
            await trio.sleep(0.02)


async def test_one_that_leaves_is_gone_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_store, "ALIVE_SECONDS", 60.0)
    async with open_bridge() as bridge, node_in(url, "a", bridge, None) as a:
        async with node_in(url, "b", bridge, None):
            assert [other.name for other in await a.nodes.others()] == ["b"]
        assert await a.nodes.others() == []


async def test_one_that_says_nothing_any_more_is_gone_in_a_moment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "BEAT_SECONDS", 600.0)
    monkeypatch.setattr(node_store, "ALIVE_SECONDS", 0.5)
    async with two(url) as (a, _), patience():
        while await a.nodes.others():
            await trio.sleep(0.02)


async def test_an_order_is_carried_out_where_the_call_is_and_answered(url: str) -> None:
    order = Order("transfer", HANG_UP.call_id, "sales")
    async with two(url) as (a, b), patience():
        assert await a.nodes.ask("b", order) == "closed"
        assert await a.nodes.ask("b", HANG_UP) == "closed"
        assert (a.asked, b.asked) == ([], [order, HANG_UP])


async def test_an_order_that_nobody_takes_up_is_withdrawn(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_store, "ORDER_SECONDS", 1.0)
    async with two(url, free=None) as (a, b), patience():
        with pytest.raises(ServiceError, match="node b: does not take up orders; this one was withdrawn"):
            await a.nodes.ask("b", HANG_UP)
        async with trio.open_nursery() as nursery:
            monkeypatch.setattr(node_store, "ORDER_SECONDS", 30.0)
            nursery.start_soon(b.nodes.serve, b.obey, lambda: 1)
            other = Order("hangup", "another")
            assert await a.nodes.ask("b", other) == "closed"
            assert b.asked == [other]
            nursery.cancel_scope.cancel()


async def test_an_order_without_an_answer_is_told_as_that(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_store, "ORDER_SECONDS", 3.0)  # within it, it is taken up
    async with two(url) as (a, b), patience():
        b.silent = True
        with pytest.raises(ServiceError, match="node b: has taken up the order and does not say"):
            await a.nodes.ask("b", HANG_UP)


async def test_the_second_of_a_name_is_refused_while_the_first_lives(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "_is_no_more", lambda where: False)
    line = r"^NODE_NAME: another engine called 'a' is up \([^)]+, process \d+\): give each one a name of its own$"
    async with open_bridge() as bridge, node_in(url, "a", bridge, None):
        with pytest.raises(ConfigError, match=line):
            async with open_nodes(url, "a", bridge):
                pass
        async with node_in(url, "b", bridge, None) as b:
            assert [other.name for other in await b.nodes.others()] == ["a"], "its name was left to it"


async def test_a_name_is_free_once_its_node_has_gone_silent(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "_is_no_more", lambda where: False)
    async with open_bridge() as bridge:
        async with node_in(url, "a", bridge, None) as dead:
            dead.nodes._who = ("killed", ELSEWHERE)
            await dead.nodes._beat(0, taken=True)
            monkeypatch.setattr(RedisNodes, "leave", forget_to_leave)
        async with patience(), open_nodes(url, "a", bridge) as again:
            assert await again._beat(0) == "", "it has the name"


async def forget_to_leave(_: RedisNodes) -> None:
    await trio.lowlevel.checkpoint()


async def test_the_name_of_a_process_that_was_killed_here_is_free_at_once(url: str) -> None:
    # what is in Redis names this process: a life before
    async with open_bridge() as bridge, node_in(url, "a", bridge, None), open_nodes(url, "a", bridge) as again:
        assert await again._beat(0) == ""


async def test_two_that_find_each_other_later_say_so_once(
    url: str, monkeypatch: pytest.MonkeyPatch, expect_error_log: ExpectErrorLog
) -> None:
    monkeypatch.setattr(nodes, "BEAT_SECONDS", 0.05)
    async with open_bridge() as bridge, node_in(url, "a", bridge, None) as first, patience():
        with expect_error_log("two_nodes_of_one_name"):
            async with open_nodes(url, "a", bridge):
                while not first.nodes._rivalled:
                    await trio.sleep(0.02)


async def test_without_redis_a_node_knows_of_no_other_and_says_so() -> None:
    async with open_bridge() as bridge, open_nodes(NOBODY, "a", bridge) as mine:
        with pytest.raises(ServiceError, match=r"^nodes: [^\n]* \(check REDIS_URL\)$"):
            await mine.others()
        with pytest.raises(ServiceError, match=r"^nodes: "):
            await mine.ask("b", HANG_UP)
