"""The events of all nodes in Redis: one stream, which has room for some minutes of 200 busy calls and fades within an
hour (redis.io, "Redis Streams"). One key and a hash tag, so that a Redis Cluster keeps it in one slot."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import redis.asyncio
import trio
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from callengine.ports.bridge import Bridge
from callengine.ports.events import Heard, Place, Told
from callengine.services.redis_client import REDIS_ERRORS, as_service_error, open_redis

T = TypeVar("T")

STREAM = "callengine:{events}:stream"
MOST_EVENTS = 5000  # about; a kilobyte each
KEEP_SECONDS = 3600  # what callers said is nowhere in Redis for longer than it helps a reader that comes back
AT_ONCE = 25  # reading them stays within a 5 ms step of the loop
ANSWER_SECONDS = 2.0
MOST_WAIT_SECONDS = 2.0

# What a broken connection leaves open is looked up: an event of this process that is there already is not added again.
_PUT = """
local told = 0
if ARGV[4] == 'again' then
  for _, event in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-')) do
    if event[2][2] == ARGV[1] then
      told = tonumber(event[2][4])
      break
    end
  end
end
for place = 5, #ARGV, 4 do
  if tonumber(ARGV[place]) > told then
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'source', ARGV[1], 'number', ARGV[place],
      'name', ARGV[place + 1], 'call_id', ARGV[place + 2], 'data', ARGV[place + 3])
  end
end
redis.call('XTRIM', KEYS[1], 'MINID', (tonumber(redis.call('TIME')[1]) - tonumber(ARGV[3])) * 1000)
redis.call('EXPIRE', KEYS[1], ARGV[3])
"""


class RedisEventLog:
    """The EventLog port."""

    def __init__(self, client: redis.asyncio.Redis, bridge: Bridge) -> None:
        self._client = client
        self._bridge = bridge
        self._unsure = False  # the last command may have been carried out, for all that is known

    async def put(self, events: Sequence[Told]) -> None:
        """See the port."""
        again, self._unsure = self._unsure, True
        await self._ask(ANSWER_SECONDS, _put, events, again)
        self._unsure = False

    async def after(self, place: Place, seconds: float) -> Sequence[Heard]:
        """See the port; `seconds`: MOST_WAIT_SECONDS at most."""
        waited = min(seconds, MOST_WAIT_SECONDS)
        return await self._ask(waited + ANSWER_SECONDS, _after, place, waited)

    async def newest(self) -> Place:
        """See the port."""
        return await self._ask(ANSWER_SECONDS, _newest)

    async def _ask(self, seconds: float, afn: Callable[..., Awaitable[T]], *args: object) -> T:
        try:
            with trio.fail_after(seconds):
                return await self._bridge.run(afn, self._client, *args)
        except (*REDIS_ERRORS, trio.TooSlowError) as error:
            raise as_service_error("events", error) from error


@asynccontextmanager
async def open_event_log(redis_url: str, bridge: Bridge) -> AsyncIterator[RedisEventLog]:
    """The events at `redis_url`; connects when it is asked first. Raises ConfigError for a wrong URL."""
    async with open_redis(redis_url, MOST_WAIT_SECONDS + ANSWER_SECONDS, bridge, texts=True) as client:
        yield RedisEventLog(client, bridge)


async def forget_events(client: Redis, call_ids: frozenset[str]) -> int:
    """Take what was said in calls out of the stream, and tell every node to forget it too; how many events went. On
    the asyncio side."""
    doomed: dict[str, list[str]] = {}
    start = "-"
    while found := await _plain(client.xrange(STREAM, start, "+", count=AT_ONCE)):
        for number, fields in found:
            if fields["call_id"] in call_ids:
                doomed.setdefault(fields["call_id"], []).append(number)
        start = f"({found[-1][0]}"
    for call_id, numbers in doomed.items():
        await _plain(client.xdel(STREAM, *numbers))
        fields = {"source": "", "number": "0", "name": "forgotten", "call_id": call_id, "data": ""}
        await _plain(client.xadd(STREAM, fields, nomkstream=True))
    return sum(map(len, doomed.values()))


async def _put(client: Redis, events: Sequence[Told], again: bool) -> None:
    values: list[str | int] = [events[0].source, MOST_EVENTS, KEEP_SECONDS, "again" if again else ""]
    for told in events:
        values += (told.number, told.name, told.call_id, told.data)
    await _plain(client.eval(_PUT, 1, STREAM, *map(str, values)))


async def _after(client: Redis, place: Place, seconds: float) -> list[Heard]:
    block = int(seconds * 1000) or None  # 0 would be for ever
    answer = await _plain(client.xread({STREAM: _text(place)}, count=AT_ONCE, block=block))
    if not answer:
        return []
    [(_, found)] = answer.items() if isinstance(answer, dict) else answer
    return [_heard(number, fields) for number, fields in found]


async def _newest(client: Redis) -> Place:
    try:
        known = await _plain(client.xinfo_stream(STREAM))
    except ResponseError as error:
        if "no such key" in str(error).lower():
            return 0, 0
        raise
    return _place(str(known["last-generated-id"]))


def _heard(number: str, fields: dict[str, str]) -> Heard:
    told = Told(fields["source"], int(fields["number"]), fields["name"], fields["call_id"], fields["data"])
    return Heard(_place(number), told)


def _place(text: str) -> Place:
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number)


def _text(place: Place) -> str:
    return f"{place[0]}-{place[1]}"


async def _plain(answer: Any) -> Any:
    """redis-py types its answers for both of its clients."""
    return await answer
