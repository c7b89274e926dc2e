"""The registry's keys and commands, on the asyncio side. What changes together shares a hash tag, so that a Redis
Cluster keeps it in one slot (Redis Cluster specification, "Hash tags")."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from callengine.ports.registry import LiveCall
from callengine.ports.tools import CallerContext

CALLER_SECONDS = 60.0
# Three heartbeats: a node that is silent for longer is gone, and its calls with it.
NODE_SECONDS = 30
FORGET_SECONDS = 86_400
NODES = "callengine:nodes"


async def put_node(client: Redis, node: str, calls: Sequence[LiveCall]) -> None:
    """Say all that is up on a node, whatever was known before."""
    key = _node_key(node)
    async with client.pipeline(transaction=True) as commands:
        commands.delete(key)
        if calls:
            commands.hset(key, mapping={call.call_id: _call_text(call) for call in calls})
            commands.expire(key, NODE_SECONDS)
        await commands.execute()
    now = time.time()
    await client.zadd(NODES, {node: now})
    await client.zremrangebyscore(NODES, "-inf", now - FORGET_SECONDS)
    await client.expire(NODES, FORGET_SECONDS)


async def change_node(client: Redis, node: str, up: Sequence[LiveCall], down: Sequence[str]) -> None:
    """Say what changed on a node since the last time."""
    key = _node_key(node)
    async with client.pipeline(transaction=True) as commands:
        if up:
            commands.hset(key, mapping={call.call_id: _call_text(call) for call in up})
        if down:
            commands.hdel(key, *down)
        commands.expire(key, NODE_SECONDS)
        await commands.execute()


async def forget_node(client: Redis, node: str) -> None:
    """Take a node and its calls out."""
    await client.delete(_node_key(node))
    await client.zrem(NODES, node)


async def read_calls(client: Redis) -> list[LiveCall]:
    """Calls of all nodes, oldest first. A call that moved is where it went up last."""
    calls: dict[str, LiveCall] = {}
    for node in await client.zrange(NODES, 0, -1):
        for text in await client.hvals(_node_key(str(node))):
            call = _call_of(str(text))
            known = calls.get(call.call_id)
            if known is None or known.since <= call.since:
                calls[call.call_id] = call
    return sorted(calls.values(), key=lambda call: (call.since, call.call_id))


async def put_caller(client: Redis, caller: CallerContext, seconds: float) -> None:
    """Keep what is known of a caller, for `seconds`."""
    fields = asdict(caller) | {"fields": dict(caller.fields)}
    await client.set(_caller_key(caller.call_id), json.dumps(fields), px=max(1, int(seconds * 1000)))


async def take_caller(client: Redis, call_id: str) -> CallerContext | None:
    """Give what is known of a caller to one who asks, and to no second."""
    text = await client.getdel(_caller_key(call_id))
    return None if text is None else CallerContext(**json.loads(text))


async def forget_call(client: Redis, call_id: str) -> int:
    """Delete what is known of a call's caller and of what was said; how many keys that were."""
    return int(await client.delete(_caller_key(call_id), f"callengine:{{call:{call_id}}}:checkpoint"))


async def ping(client: Redis) -> None:
    """Ask Redis whether it is there."""
    await client.ping()


def _node_key(node: str) -> str:
    return f"callengine:{{node:{node}}}:calls"


def _caller_key(call_id: str) -> str:
    return f"callengine:{{call:{call_id}}}:caller"


def _call_text(call: LiveCall) -> str:
    return json.dumps({"call_id": call.call_id, "node": call.node, "since": call.since.isoformat()})


def _call_of(text: str) -> LiveCall:
    fields: dict[str, Any] = json.loads(text)
    return LiveCall(fields["call_id"], fields["node"], datetime.fromisoformat(fields["since"]))
