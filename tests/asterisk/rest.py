"""What an engine holds when no call is up: to be the same after calls as before them."""

from dataclasses import dataclass

import httpx
import psutil
import redis
import trio

from tests.asterisk.callers import LOOK_AGAIN_SECONDS, PATIENCE_SECONDS
from tests.engine_process import EngineProcess

FOR_EVER = -1  # Redis's TTL of a key without one
LOOKS_ALIKE = 10  # each has gone through the engine's loop, and with it what else there was to end


@dataclass(frozen=True, slots=True)
class Rest:
    """Tasks of the engine's loop and its file descriptors."""

    tasks: float
    files: int


async def figures(api: httpx.AsyncClient) -> dict[str, float]:
    """The samples of /metrics by name and labels."""
    lines = (await api.get("/metrics")).text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


async def at_rest(engine: EngineProcess, api: httpx.AsyncClient, before: Rest | None = None) -> Rest:
    """What it holds once no call is up and the record is written, and it lets go of nothing more. With `before` it is
    given time to come back to that; what it holds in the end is returned, the same or not."""
    now, alike = Rest(0, 0), 0
    with trio.move_on_after(PATIENCE_SECONDS):
        while True:
            found = await figures(api)
            last, now = now, Rest(found["callengine_tasks"], psutil.Process(engine.process.pid).num_fds())
            alike = alike + 1 if now == last else 0
            idle = found["callengine_calls_active"] == found["callengine_journal_backlog"] == 0
            if idle and _asked_by_nobody_else(engine) and (alike >= LOOKS_ALIKE if before is None else now == before):
                return now
            await trio.sleep(LOOK_AGAIN_SECONDS)
    return now


def _asked_by_nobody_else(engine: EngineProcess) -> bool:
    """Our own connection to the API is the only one: Hypercorn keeps those of Asterisk's calls for its keep-alive time,
    5 s, though the other side has closed them."""
    port = int(engine.api.rpartition(":")[2])
    connections = psutil.Process(engine.process.pid).net_connections("tcp")
    return sum(one.laddr.port == port and bool(one.raddr) for one in connections) == 1


async def live_calls(api: httpx.AsyncClient) -> list[str]:
    """The calls that the record has no end of."""
    calls = (await api.get("/api/v1/calls", params={"limit": 200})).raise_for_status().json()["calls"]
    return [call["call_id"] for call in calls if call["closed_at"] is None]


async def registered(redis_url: str) -> list[str]:
    """What the registry still has of calls once it has had time to forget: calls that are up, and what would be kept
    for ever. (What is known of a caller who never came is kept for a minute.)"""
    found: list[str] = []
    with redis.from_url(redis_url, decode_responses=True) as client, trio.move_on_after(PATIENCE_SECONDS):
        while found := _of_calls(client):
            await trio.sleep(LOOK_AGAIN_SECONDS)
    return found


def _of_calls(client: "redis.Redis") -> list[str]:
    kinds = {key: client.type(key) for key in client.scan_iter() if not key.endswith("}:alive")}  # a node's, of itself
    up = [f"{key} {call!s}" for key, kind in kinds.items() if kind == "hash" for call in client.hkeys(key)]
    return up + [key for key in kinds if "{call:" in key and client.ttl(key) == FOR_EVER]
