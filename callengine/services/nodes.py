"""The nodes of a shop, over Redis: each says every second that it lives, and carries out what others ask of its calls.

While Redis is away no node knows of the others, and each goes on alone."""

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import uuid4

import psutil
import redis.asyncio
import structlog
import trio

from callengine.errors import AwayError, ConfigError, ServiceError
from callengine.ports.bridge import Bridge
from callengine.ports.nodes import Neighbour, Obey, Order
from callengine.services import node_store as store
from callengine.services.redis_client import REDIS_ERRORS, as_service_error, open_redis
from callengine.services.stay import open_stay

T = TypeVar("T")

BEAT_SECONDS = 1.0
LOOK_SECONDS = 0.25
WAIT_SECONDS = 2  # for an order, at a time
ANSWER_SECONDS = 2.0
AGAIN_SECONDS = 1.0  # after Redis was not there
ORDERS = 16  # at once
LONGEST_SECONDS = store.ORDER_SECONDS + 2 * ANSWER_SECONDS  # a question that waits there

log = structlog.get_logger(__name__)


class RedisNodes:
    """The Nodes port."""

    def __init__(self, client: redis.asyncio.Redis, node: str, bridge: Bridge) -> None:
        self._client = client
        self._node = node
        self._bridge = bridge
        self._who = (uuid4().hex, f"{socket.gethostname()}, process {os.getpid()}")
        self._free: Callable[[], int] = lambda: 0
        self._rivalled = False
        self._turns = trio.CapacityLimiter(ORDERS)

    async def others(self) -> Sequence[Neighbour]:
        """The other nodes that live. Raises ServiceError."""
        return await self._ask(ANSWER_SECONDS, store.read_others, self._node)

    async def ask(self, node: str, order: Order) -> str:
        """Have a node carry out an order. Raises ServiceError."""
        async with self._turns:
            word = await self._ask(LONGEST_SECONDS, store.give_order, node, uuid4().hex, order)
        if word is None:
            raise AwayError(f"node {node}: has taken up the order and does not say what became of it")
        if not word:
            raise AwayError(f"node {node}: does not take up orders; this one was withdrawn")
        return word

    async def serve(self, obey: Obey, free: Callable[[], int]) -> None:
        """Carry out orders for ever."""
        self._free = free
        async with trio.open_nursery() as nursery:
            turns = trio.CapacityLimiter(ORDERS)
            while True:
                try:
                    found = await self._ask(WAIT_SECONDS + ANSWER_SECONDS, store.next_order, self._node, WAIT_SECONDS)
                except ServiceError:  # said by the registry
                    await trio.sleep(AGAIN_SECONDS)
                    continue
                if found is not None:
                    nursery.start_soon(self._carry_out, obey, turns, *found)

    async def take_name(self) -> None:
        """Wait until no other node of this name lives, for as long as one that is no more seems to.

        Raises ConfigError where one does; ServiceError where Redis cannot be asked."""
        until = trio.current_time() + store.ALIVE_SECONDS + BEAT_SECONDS
        where = await self._beat(0)
        while where:
            if _is_no_more(where):
                await self._beat(0, taken=True)
                return
            if trio.current_time() >= until:
                problem = f"another engine called {self._node!r} is up ({where}): give each one a name of its own"
                raise ConfigError("NODE_NAME", problem)
            await trio.sleep(LOOK_SECONDS)
            where = await self._beat(0)

    async def run_beats(self) -> None:
        """Say every second that this node lives, for ever."""
        beat = trio.current_time()
        while True:
            beat = max(beat + BEAT_SECONDS, trio.current_time())
            await trio.sleep_until(beat)
            try:
                rival = await self._beat(self._free())
            except ServiceError:  # said by the registry
                continue
            if rival and not self._rivalled:
                log.error("two_nodes_of_one_name", node=self._node, other=rival, mend="NODE_NAME: one of its own each")
            self._rivalled = bool(rival)

    async def leave(self) -> None:
        """Give the name free. Raises ServiceError."""
        await self._ask(ANSWER_SECONDS, store.leave, self._node, self._who[0])

    async def _beat(self, free: int, *, taken: bool = False) -> str:
        async def live(client: redis.asyncio.Redis) -> str:
            return await store.live(client, self._node, self._who, free, taken=taken)

        return await self._ask(ANSWER_SECONDS, live)

    async def _carry_out(self, obey: Obey, turns: trio.CapacityLimiter, number: str, order: Order) -> None:
        async with turns:
            word = await obey(order)
        log.info("order_of_another_node", what=order.what, call_id=order.call_id, answer=word)
        try:
            await self._ask(ANSWER_SECONDS, store.answer_order, number, word)
        except ServiceError as error:
            log.warning("order_unanswered", problem=str(error))

    async def _ask(self, seconds: float, afn: Callable[..., Awaitable[T]], *args: object) -> T:
        try:
            with trio.fail_after(seconds):
                return await self._bridge.run(afn, self._client, *args)
        except (*REDIS_ERRORS, trio.TooSlowError) as error:
            raise as_service_error("nodes", error) from error


@asynccontextmanager
async def open_nodes(redis_url: str, node: str, bridge: Bridge) -> AsyncIterator[RedisNodes]:
    """This node among the others at `redis_url`, alive from now on. Raises ConfigError for a wrong URL, and where
    another one of this name is up."""
    async with open_redis(redis_url, LONGEST_SECONDS, bridge, texts=True) as client:
        nodes = RedisNodes(client, node, bridge)
        try:
            await nodes.take_name()
        except ServiceError as error:
            log.warning("this node knows of no others until Redis is there", problem=str(error))
        async with open_stay(nodes.run_beats, nodes.leave, "this node's name is free in a moment"):
            yield nodes


def _is_no_more(where: str) -> bool:
    """Whether a node was on this machine, in a process that has ended or whose number is ours by now (a container's
    first process has the same one each time)."""
    host, _, number = where.rpartition(", process ")
    if host != socket.gethostname() or not number.isdecimal():
        return False
    return int(number) == os.getpid() or not psutil.pid_exists(int(number))
