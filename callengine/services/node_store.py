"""What the nodes keep in Redis for each other: a sign of life each, a list of orders each, an answer to each order. On
the asyncio side; every key stands alone, so that a Redis Cluster has no two to keep together."""

import json
from dataclasses import asdict
from typing import Any

from redis.asyncio import Redis

from callengine.ports.nodes import Neighbour, Order
from callengine.services.registry_store import NODES

ALIVE_SECONDS = 3.0  # three signs of life: a node that is silent for longer gives its name free
ORDER_SECONDS = 6.0  # hanging up waits for Asterisk, and then for its control path

# The name belongs to whoever said last that they live. `taken` takes it from one that is known to be no more.
_LIVE = """
local boot = redis.call('HGET', KEYS[1], 'boot')
if boot and boot ~= ARGV[1] and ARGV[5] == '' then return redis.call('HGET', KEYS[1], 'where') end
redis.call('HSET', KEYS[1], 'boot', ARGV[1], 'where', ARGV[2], 'free', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return ''
"""
_LEAVE = """
if redis.call('HGET', KEYS[1], 'boot') == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


async def live(client: Redis, node: str, who: tuple[str, str], free: int, *, taken: bool = False) -> str:
    """Say that a node lives; `who`: this start of it, and where. Where another one of this name lives, nothing is
    written, and the answer is where that one is."""
    boot, where = who
    arguments = (boot, where, free, int(ALIVE_SECONDS * 1000), "taken" if taken else "")
    return str(await _run(client, _LIVE, _alive_key(node), *arguments))


async def leave(client: Redis, node: str, boot: str) -> None:
    """Give the name free, if it is this start's."""
    await _run(client, _LEAVE, _alive_key(node), boot)


async def read_others(client: Redis, node: str) -> list[Neighbour]:
    """The other nodes that live."""
    found = []
    for name in map(str, await client.zrange(NODES, 0, -1)):
        free = None if name == node else await _plain(client.hget(_alive_key(name), "free"))
        if free is not None:
            found.append(Neighbour(name, int(free)))
    return found


async def give_order(client: Redis, node: str, number: str, order: Order) -> str | None:
    """Put an order on a node's list and wait for the answer. Empty: it was never taken up, and will not be; None: it
    was taken up, and not answered."""
    text = json.dumps(asdict(order) | {"number": number})
    inbox, seconds = _orders_key(node), int(ORDER_SECONDS)
    await _plain(client.rpush(inbox, text))
    await client.expire(inbox, 2 * seconds)
    answer = await _plain(client.blpop([_answer_key(number)], seconds))
    if answer is not None:
        return str(answer[1])
    return "" if await _plain(client.lrem(inbox, 1, text)) else None


async def next_order(client: Redis, node: str, seconds: int) -> tuple[str, Order] | None:
    """The next order for a node and its number, waited for; None where there is none, or none that can be read."""
    found = await _plain(client.blpop([_orders_key(node)], seconds))
    if found is None:
        return None
    try:
        fields: dict[str, Any] = json.loads(found[1])
        return str(fields.pop("number")), Order(**fields)
    except (ValueError, TypeError, KeyError):  # another version's
        return None


async def answer_order(client: Redis, number: str, word: str) -> None:
    """Tell whoever gave an order what became of it."""
    key = _answer_key(number)
    await _plain(client.rpush(key, word))
    await client.expire(key, int(ORDER_SECONDS))


async def _run(client: Redis, script: str, key: str, *args: str | int) -> Any:
    return await _plain(client.eval(script, 1, key, *map(str, args)))


async def _plain(answer: Any) -> Any:
    """redis-py types its answers for both of its clients."""
    return await answer


def _alive_key(node: str) -> str:
    return f"callengine:{{node:{node}}}:alive"


def _orders_key(node: str) -> str:
    return f"callengine:{{node:{node}}}:orders"


def _answer_key(number: str) -> str:
    return f"callengine:{{order:{number}}}:answer"
