"""The record of writes in Redis: what another node finds of it, and what is left of it while Redis is away."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import redis
import trio
import trio.testing

from callengine.errors import ConfigError
from callengine.ports.bridge import Bridge
from callengine.ports.writes import Write
from callengine.services import redis_writes
from callengine.services.bridge import open_bridge
from callengine.services.embedded_valkey import open_valkey
from callengine.services.redis_writes import KEEP_SECONDS, RedisWriteLog, open_write_log

pytestmark = pytest.mark.integration

WRITE = Write("key-1", "call-1", "createOrder")
DONE = replace(WRITE, state="done", answer='{"number": 1}')
OTHER = replace(WRITE, key="key-2")


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    async with open_bridge() as opened:
        yield opened


@asynccontextmanager
async def two_nodes(url: str, bridge: Bridge) -> AsyncIterator[tuple[RedisWriteLog, RedisWriteLog]]:
    async with open_write_log(url, bridge) as first, open_write_log(url, bridge) as second:
        yield first, second


async def test_another_node_finds_what_was_begun_and_what_was_done(redis_url: str, bridge: Bridge) -> None:
    async with two_nodes(redis_url, bridge) as (first, second):
        assert await first.begin(WRITE) is None
        assert await second.begin(WRITE) == WRITE
        await second.done(DONE)
        assert await first.begin(WRITE) == DONE  # though it has itself begun it and heard nothing
        assert await first.begin(OTHER) is None
        await first.undone(OTHER.key)
        assert await second.begin(OTHER) is None


async def test_of_two_who_begin_at_once_one_is_first(redis_url: str, bridge: Bridge) -> None:
    found: list[Write | None] = []
    async with two_nodes(redis_url, bridge) as nodes:

        async def begin(node: RedisWriteLog) -> None:
            found.append(await node.begin(WRITE))

        async with trio.open_nursery() as nursery:
            for node in nodes:
                nursery.start_soon(begin, node)
    assert sorted(found, key=bool) == [None, WRITE]


async def test_redis_forgets_it_by_itself(redis_url: str, bridge: Bridge) -> None:
    async with open_write_log(redis_url, bridge) as log:
        await log.begin(WRITE)
        with redis.from_url(redis_url) as client:
            assert 0 < client.ttl("callengine:write:key-1") <= KEEP_SECONDS
            client.expire("callengine:write:key-1", 10)
            await log.done(DONE)
            assert 10 < client.ttl("callengine:write:key-1") <= KEEP_SECONDS


async def test_killed_and_started_again_it_is_told_what_it_missed(
    tmp_path: Path, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_writes, "AGAIN_SECONDS", 0.05)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(AsyncExitStack())
        url = await server.enter_async_context(open_valkey(tmp_path))
        first, second = await stack.enter_async_context(two_nodes(url, bridge))
        assert await first.begin(WRITE) is None
        os.kill(int((tmp_path / "valkey" / "pid").read_text()), signal.SIGKILL)
        assert await first.begin(WRITE) == WRITE  # this node's own memory
        await first.done(DONE)
        assert await first.begin(OTHER) is None
        assert await second.begin(replace(WRITE, key="key-3")) is None
        await second.undone("key-3")
        await server.aclose()
        await server.enter_async_context(open_valkey(tmp_path))
        with redis.from_url(url) as client, trio.fail_after(60):
            while sorted(client.keys("*")) != [b"callengine:write:key-1", b"callengine:write:key-2"]:
                await trio.sleep(0.01)  # each is told on its own
        assert await second.begin(WRITE) == DONE
        assert await second.begin(OTHER) == OTHER


async def test_a_redis_that_hangs_keeps_nobody_waiting(autojump_clock: trio.testing.MockClock) -> None:
    class Hanging:
        async def run(self, *_args: object) -> None:
            await trio.sleep_forever()

    log = RedisWriteLog(None, Hanging())  # type: ignore[arg-type]
    assert await log.begin(WRITE) is None
    await log.done(DONE)
    assert trio.current_time() == 2 * redis_writes.ANSWER_SECONDS
    assert await log.begin(WRITE) == DONE
    assert trio.current_time() == 2 * redis_writes.ANSWER_SECONDS


async def test_a_wrong_url_is_one_line(bridge: Bridge) -> None:
    with pytest.raises(ConfigError, match=r"^REDIS_URL: [^\n]*$"):
        async with open_write_log("http://example.org", bridge):
            pass
