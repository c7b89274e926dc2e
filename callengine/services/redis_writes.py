"""The record of writes in Redis, for all nodes, over the one in memory: a node that dies in mid-order leaves its key.

A write is recorded in both before it is sent; what Redis knows counts, for another node may have done it since. While
Redis is away memory alone answers: calls go on, and a write is made once as long as its call stays on this node. What
is then not protected is a node that dies between sending and the answer. What Redis has missed it is told once it is
back. One key a write and one command each: a Redis Cluster keeps them in any slot.
"""

import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TypeVar

import redis.asyncio
import structlog
import trio

from callengine.ports.bridge import Bridge
from callengine.ports.writes import Write
from callengine.services.memory_writes import MemoryWriteLog
from callengine.services.redis_client import REDIS_ERRORS, open_redis

T = TypeVar("T")

ANSWER_SECONDS = 0.4  # a caller waits, and the write behind it; `Writer` reckons with two of them
AGAIN_SECONDS = 5.0  # between two attempts to tell a Redis that was away
KEEP_SECONDS = 6 * 3600  # a key stands for one call's write, and no call is that long; its answer is the caller's own
_MOST_MISSED = 1000

log = structlog.get_logger(__name__)


class _AwayError(Exception):
    """Redis could not be told, or not in time; it may know all the same."""


class RedisWriteLog:
    """See the port `WriteLog`; `put_back` must be running. It raises nothing: without Redis it is the memory's."""

    def __init__(self, client: redis.asyncio.Redis, bridge: Bridge) -> None:
        self._client = client
        self._bridge = bridge
        self._memory = MemoryWriteLog()
        self._self = secrets.token_hex(8)
        self._missed: dict[str, Write | None] = {}  # what Redis was not told: the newest of a key, None: undone
        self._misses = trio.Event()

    async def begin(self, write: Write) -> Write | None:
        """See the port."""
        here = await self._memory.begin(write)
        if here is not None and here.state == "done":
            return here
        try:
            elsewhere = await self._ask(_begin, write, self._self)
        except _AwayError as error:
            log.warning("write_unprotected", operation=write.operation, problem=str(error))
            self._note_missed(write.key, here or write)
            return here
        self._missed.pop(write.key, None)
        if elsewhere is not None:
            await self._memory.done(elsewhere)
        return elsewhere or here

    async def done(self, write: Write) -> None:
        """See the port."""
        await self._memory.done(write)
        await self._tell(write.key, write)

    async def undone(self, key: str) -> None:
        """See the port."""
        await self._memory.undone(key)
        await self._tell(key, None)

    async def put_back(self) -> None:
        """Tell Redis what it has missed, for ever."""
        while True:
            await self._misses.wait()
            await trio.sleep(AGAIN_SECONDS)
            self._misses = trio.Event()
            for key in tuple(self._missed):
                if key in self._missed:
                    await self._tell(key, self._missed.pop(key))

    async def _tell(self, key: str, write: Write | None) -> None:
        try:
            await (self._ask(_undone, key) if write is None else self._ask(_put, write, self._self))
        except _AwayError:
            self._note_missed(key, write)
        else:
            self._missed.pop(key, None)

    def _note_missed(self, key: str, write: Write | None) -> None:
        if len(self._missed) < _MOST_MISSED or key in self._missed:
            self._missed[key] = write
        self._misses.set()

    async def _ask(self, afn: Callable[..., Awaitable[T]], *args: object) -> T:
        try:
            with trio.fail_after(ANSWER_SECONDS):
                return await self._bridge.run(afn, self._client, *args)
        except (*REDIS_ERRORS, trio.TooSlowError) as error:
            late = isinstance(error, trio.TooSlowError)
            raise _AwayError("no answer in time" if late else str(error).split("\n", 1)[0]) from None


@asynccontextmanager
async def open_write_log(redis_url: str, bridge: Bridge) -> AsyncIterator[RedisWriteLog]:
    """The record at `redis_url`; connects when there is something to record. Raises ConfigError for a wrong URL."""
    async with open_redis(redis_url, ANSWER_SECONDS, bridge, texts=True) as client:
        writes = RedisWriteLog(client, bridge)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writes.put_back)
            yield writes
            nursery.cancel_scope.cancel("the record is closed")


async def _begin(client: redis.asyncio.Redis, write: Write, by: str) -> Write | None:
    """Record a write unless its key is there; then what is recorded of it (`SET … NX GET`: Redis 7).

    What this process itself began is in its memory: here it is only this command, sent twice over a broken line."""
    text = await client.set(_key(write.key), _text(write, by), nx=True, get=True, ex=KEEP_SECONDS)
    if text is None:
        return None
    fields = json.loads(str(text))
    begun_here = fields.pop("by") == by and fields["state"] == "open"
    return None if begun_here else Write(**fields)


async def _put(client: redis.asyncio.Redis, write: Write, by: str) -> None:
    """Record what is known of a write; one that only began makes nothing of what was done elsewhere meanwhile."""
    await client.set(_key(write.key), _text(write, by), nx=write.state == "open", ex=KEEP_SECONDS)


async def _undone(client: redis.asyncio.Redis, key: str) -> None:
    await client.delete(_key(key))


async def keys_of_writes(client: redis.asyncio.Redis, call_ids: frozenset[str]) -> list[str]:
    """The keys under which these calls' writes are recorded."""
    found = []
    async for key in client.scan_iter(match=_key("*"), count=500):
        text = await client.get(key)
        if text is not None and json.loads(str(text)).get("call_id") in call_ids:
            found.append(str(key))
    return found


def _key(key: str) -> str:
    return f"callengine:write:{key}"


def _text(write: Write, by: str) -> str:
    return json.dumps(asdict(write) | {"by": by}, ensure_ascii=False)
