"""Events at any node of what happens on another: engines as processes, and a Redis that is killed under two nodes."""

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
import trio

from callengine.api.event_ring import EventRing
from callengine.api.shared_events import SharedEvents
from callengine.ports.bridge import Bridge
from callengine.services.bridge import open_bridge
from callengine.services.embedded_valkey import open_valkey
from callengine.services.event_log import KEEP_SECONDS, STREAM, open_event_log
from tests.engine_process import EngineProcess
from tests.integration.test_api_events import Reader, following
from tests.integration.test_two_nodes import nodes, open_call, state
from tests.unit.api.test_shared_events import Follower, said

__all__ = ["state"]  # a fixture
pytestmark = [pytest.mark.integration, pytest.mark.slow]

PATIENCE_SECONDS = 120


async def event(reader: Reader) -> tuple[str, str, dict[str, Any]]:
    """The next event: its id, name and data."""
    fields: dict[str, str] = {}
    while "data" not in fields:
        name, found, value = (await reader.line()).partition(": ")
        if found:
            fields[name] = value
    return fields.get("id", ""), fields["event"], json.loads(fields["data"])


async def event_of(reader: Reader, call_id: UUID, name: str) -> str:
    """The id of an event of a call, once it comes; before it come only others of this call, or that its node was alone
    with it for a while: where Redis answers late, on a busy machine."""
    with trio.fail_after(PATIENCE_SECONDS):
        while True:
            place, found, data = await event(reader)
            if found in ("alone", "together"):
                continue
            assert data["call_id"] == str(call_id)
            if found == name:
                assert place
                return place


def url_of(engine: EngineProcess) -> str:
    return f"http://{engine.api}"


async def test_a_reader_at_one_node_follows_the_calls_of_another_and_goes_on_there(
    tmp_path: Path, state: dict[str, str]
) -> None:
    with nodes(tmp_path, state, "a", "b") as (a, b):
        first, second, third = uuid4(), uuid4(), uuid4()
        async with following(url_of(a)) as reader:
            async with open_call(b, first):
                await event_of(reader, first, "opened")
            closed = await event_of(reader, first, "closed")
        async with open_call(a, second):
            """Nobody follows."""
        async with following(url_of(b), closed) as reader:
            await event_of(reader, second, "opened")
            await event_of(reader, second, "closed")
            async with open_call(a, third):
                await event_of(reader, third, "opened")
        async with following(url_of(a), "1-1") as reader:
            assert (await event(reader))[1:] == ("gap", {"missed": None})
            await event_of(reader, first, "opened")
        with redis.from_url(state["REDIS_URL"]) as client:
            assert 0 < client.ttl(STREAM) <= KEEP_SECONDS


@asynccontextmanager
async def sharing(url: str, bridge: Bridge) -> AsyncIterator[tuple[SharedEvents, Follower]]:
    """A node's events, and a reader who stays."""
    async with open_event_log(url, bridge) as log, trio.open_nursery() as nursery:
        events = SharedEvents(EventRing(), log)
        await events.load()
        reader = Follower(events)
        nursery.start_soon(events.run)
        nursery.start_soon(reader.run)
        yield events, reader
        nursery.cancel_scope.cancel()


async def has(reader: Follower, *wanted: str) -> None:
    """Until a reader has had exactly these turns, in whichever order."""
    with trio.fail_after(PATIENCE_SECONDS):
        while len(texts(reader)) < len(wanted):
            await trio.sleep(0.01)
    assert sorted(texts(reader)) == sorted(wanted)


def texts(reader: Follower) -> list[str]:
    return [got for got in reader.got if got not in ("alone", "together")]


async def test_redis_is_killed_and_comes_back_empty_and_nobody_misses_an_event(tmp_path: Path, patient: None) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(AsyncExitStack())
        url = await server.enter_async_context(open_valkey(tmp_path))
        bridge = await stack.enter_async_context(open_bridge())
        first, here = await stack.enter_async_context(sharing(url, bridge))
        second, there = await stack.enter_async_context(sharing(url, bridge))
        first.tell(said("a", 1))
        for reader in (here, there):
            await has(reader, "a1")
        os.kill(int((tmp_path / "valkey" / "pid").read_text()), signal.SIGKILL)
        first.tell(said("a", 2))
        second.tell(said("b", 1))
        await has(here, "a1", "a2")
        await has(there, "a1", "b1")
        assert [reader.got.count("alone") for reader in (here, there)] == [1, 1]
        await server.aclose()
        await server.enter_async_context(open_valkey(tmp_path))
        first.tell(said("a", 3))
        for reader in (here, there):
            await has(reader, "a1", "a2", "a3", "b1")
        with trio.fail_after(PATIENCE_SECONDS):
            while not {"together"} <= set(here.got) & set(there.got):
                await trio.sleep(0.01)
