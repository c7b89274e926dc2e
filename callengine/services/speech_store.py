"""Speech in Redis, for all nodes: bounded, fading, and never in a call's way.

What is to be kept waits in a short queue for a writer of its own. A Redis that is away or slow is left alone for a
while: speech is then made anew, which costs money and a moment, but no call."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import redis.asyncio
import structlog
import trio

from callengine.ports.bridge import Bridge
from callengine.ports.synthesis import SpeechChunk
from callengine.services.redis_client import CONNECTIONS, REDIS_ERRORS, connect_all, open_redis
from callengine.voice.packing import pack_speech, unpack_speech

T = TypeVar("T")

GET_SECONDS = 0.1  # a caller is waiting
PUT_SECONDS = 2.0
REST_SECONDS = 10.0
KEEP_SECONDS = 7 * 86_400
MOST_SPEECHES = 1000
MOST_BYTES = 512 << 10  # of one speech: half a minute
MOST_WAITING = 64
# One hash tag, so that a Redis Cluster keeps them in one slot (Redis Cluster specification, "Hash tags").
INDEX = "callengine:{speech}:index"
_PREFIX = "callengine:{speech}:"

log = structlog.get_logger(__name__)


class RedisSpeeches:
    """The port's `SpeechStore`; `run_writer` must be running."""

    def __init__(self, client: redis.asyncio.Redis, bridge: Bridge) -> None:
        self._client = client
        self._bridge = bridge
        self._rests_until = float("-inf")
        self._turns = trio.CapacityLimiter(CONNECTIONS)
        self._waiting_in, self._waiting = trio.open_memory_channel[tuple[str, bytes]](MOST_WAITING)

    async def connect(self) -> None:
        """Have every connection open before the first call; where Redis is away, leave it alone for a while."""
        await self._ask(PUT_SECONDS, connect_all)

    async def get(self, key: str) -> SpeechChunk | None:
        """The speech under a key, if Redis has it at once."""
        packed = await self._ask(GET_SECONDS, _get, key)
        if packed is None:
            return None
        try:
            return unpack_speech(packed)
        except ValueError:
            log.warning("a speech in Redis cannot be read", key=key)
            return None

    def put_nowait(self, key: str, speech: SpeechChunk) -> None:
        """Keep a speech some time soon; one too many, or too long, is not kept."""
        packed = pack_speech(speech)
        if len(packed) > MOST_BYTES:
            return
        try:
            self._waiting_in.send_nowait((key, packed))
        except trio.WouldBlock:
            log.info("speech not kept in Redis: too many are waiting")

    async def run_writer(self) -> None:
        """Write what is to be kept, for ever."""
        async for key, packed in self._waiting:
            await self._ask(PUT_SECONDS, _put, key, packed)

    async def _ask(self, seconds: float, afn: Callable[..., Awaitable[T]], *args: object) -> T | None:
        if trio.current_time() < self._rests_until:
            return None
        try:
            with trio.fail_after(seconds):
                async with self._turns:
                    return await self._bridge.run(afn, self._client, *args)
        except (*REDIS_ERRORS, trio.TooSlowError) as error:
            said = "no answer in time" if isinstance(error, trio.TooSlowError) else str(error).split("\n", 1)[0]
            log.warning("speech is not looked up in Redis for a while", problem=said, seconds=REST_SECONDS)
            self._rests_until = trio.current_time() + REST_SECONDS
            return None


@asynccontextmanager
async def open_speech_store(redis_url: str, bridge: Bridge) -> AsyncIterator[RedisSpeeches]:
    """The store at `redis_url`, connected where Redis is there. Raises ConfigError for a wrong URL."""
    async with open_redis(redis_url, PUT_SECONDS, bridge, texts=False) as client:
        store = RedisSpeeches(client, bridge)
        await store.connect()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.run_writer)
            yield store
            nursery.cancel_scope.cancel("store closed")


async def _get(client: redis.asyncio.Redis, key: str) -> bytes | None:
    """A speech, which then lives on for the whole time."""
    async with client.pipeline(transaction=False) as commands:
        commands.getex(_PREFIX + key, ex=KEEP_SECONDS)
        commands.zadd(INDEX, {key: time.time()}, xx=True)
        found, _ = await commands.execute()
    return bytes(found) if found is not None else None


async def _put(client: redis.asyncio.Redis, key: str, packed: bytes) -> None:
    """Keep a speech; those used least recently go where there are too many."""
    now = time.time()
    async with client.pipeline(transaction=True) as commands:
        commands.set(_PREFIX + key, packed, ex=KEEP_SECONDS)
        commands.zadd(INDEX, {key: now})
        commands.expire(INDEX, KEEP_SECONDS)
        commands.zremrangebyscore(INDEX, "-inf", now - KEEP_SECONDS)
        commands.zrange(INDEX, 0, -MOST_SPEECHES - 1)
        surplus = (await commands.execute())[-1]
    if surplus:
        names = [name.decode() for name in surplus]
        await client.delete(*(_PREFIX + name for name in names))
        await client.zrem(INDEX, *names)
