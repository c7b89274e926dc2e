"""The registry while Valkey is killed, emptied or wrong: memory goes on, and what was said is put back."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
import trio

from callengine.errors import ConfigError, ServiceError
from callengine.ports.registry import LiveCall
from callengine.ports.tools import CallerContext
from callengine.services import registry as registry_module
from callengine.services.bridge import open_bridge
from callengine.services.embedded_valkey import open_valkey
from callengine.services.registry import RedisRegistry, open_registry
from callengine.services.registry_scripts import KEPT_SECONDS
from callengine.services.registry_store import CALLER_SECONDS, NODE_SECONDS

pytestmark = pytest.mark.integration

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANNA = CallerContext("a", "ru-RU", "+79161234567", "Анна")


@asynccontextmanager
async def registry_at(url: str, node: str = "node-1") -> AsyncIterator[RedisRegistry]:
    async with open_bridge() as bridge, open_registry(url, node, bridge) as registry:
        yield registry


def call(call_id: str, node: str = "node-1") -> LiveCall:
    return LiveCall(call_id, node, NOON)


async def test_killed_and_started_again_everything_is_put_back(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(AsyncExitStack())
        url = await server.enter_async_context(open_valkey(tmp_path))
        registry = await stack.enter_async_context(registry_at(url))
        registry.call_up_nowait(call("before"))
        assert list(await registry.live_calls()) == [call("before")]
        os.kill(int((tmp_path / "valkey" / "pid").read_text()), signal.SIGKILL)
        registry.call_up_nowait(call("while away"))
        registry.call_down_nowait("before")
        with pytest.raises(ServiceError, match=r"^registry: [^\n]* \(check REDIS_URL\)$"):
            await registry.live_calls()
        with pytest.raises(ServiceError, match=r"^registry: "):
            await registry.check()
        await registry.put_caller(ANNA)
        await server.aclose()
        await server.enter_async_context(open_valkey(tmp_path))
        assert list(await registry.live_calls()) == [call("while away")]
        with redis.from_url(url) as client:
            assert 0 < client.pttl("callengine:{call:a}:caller") <= CALLER_SECONDS * 1000
        assert await registry.take_caller("a") == ANNA


async def test_a_caller_said_while_away_is_known_here(tmp_path: Path) -> None:
    async with open_valkey(tmp_path) as url:
        pass
    async with registry_at(url) as registry:
        await registry.put_caller(ANNA)
        assert await registry.take_caller("a") == ANNA
        with pytest.raises(ServiceError, match=r"^registry: "):
            await registry.take_caller("a")


async def test_what_a_node_said_fades_unless_it_says_it_again(redis_url: str) -> None:
    async with registry_at(redis_url) as registry:
        registry.call_up_nowait(call("a"))
        await registry.put_caller(ANNA)
        await registry.publish()
        with redis.from_url(redis_url) as client:
            assert 0 < client.ttl("callengine:{node:node-1}:calls") <= NODE_SECONDS
            assert 0 < client.pttl("callengine:{call:a}:caller") <= CALLER_SECONDS * 1000


async def test_what_redis_forgot_is_said_again_at_a_heartbeat(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "HEARTBEAT_SECONDS", 0.05)
    async with registry_at(redis_url) as registry, open_registry(redis_url, "node-2", registry._bridge) as other:
        registry.call_up_nowait(call("a"))
        assert list(await other.live_calls()) == [call("a")]
        with redis.from_url(redis_url) as client:
            client.flushall()
        with trio.fail_after(60):
            for _ in range(2):  # the attempt under way may be older than the loss
                await registry._attempted.wait()
        assert list(await other.live_calls()) == [call("a")]


async def test_leaving_takes_the_nodes_calls_out(redis_url: str) -> None:
    async with registry_at(redis_url) as registry:
        registry.call_up_nowait(call("a"))
        await registry.publish()
    with redis.from_url(redis_url) as client:
        assert client.keys("*") == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "localhost:6379",
        "redis://h:port",
        "redis://h/1?cluster=true",
        "redis://h,:1/0?cluster=true",
    ],
)
async def test_a_wrong_url_is_one_line(url: str) -> None:
    async with open_bridge() as bridge:
        with pytest.raises(ConfigError, match=r"^REDIS_URL: [^\n]*$"):
            async with open_registry(url, "node-1", bridge):
                pass


async def test_a_refused_port_is_one_line() -> None:
    async with registry_at("redis://:secret@127.0.0.1:1/0") as registry:
        with pytest.raises(ServiceError, match=r"^registry: [^\n]*127\.0\.0\.1[^\n]* \(check REDIS_URL\)$") as caught:
            await registry.check()
        assert "secret" not in str(caught.value)


async def test_a_wrong_password_is_one_line_without_the_password(redis_url: str) -> None:
    with redis.from_url(redis_url) as client:
        client.acl_setuser("clerk", enabled=True, passwords=["+right"], commands=["+@all"], keys=["*"])
    wrong = redis_url.replace("unix://", "unix://clerk:wrong@")
    async with registry_at(wrong) as registry:
        with pytest.raises(ServiceError, match=r"^registry: [^\n]*(WRONGPASS|invalid username)[^\n]*$") as caught:
            await registry.check()
        assert "clerk:wrong" not in str(caught.value)


async def test_a_call_claimed_while_away_goes_on_from_memory_and_is_put_back(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(AsyncExitStack())
        url = await server.enter_async_context(open_valkey(tmp_path))
        registry = await stack.enter_async_context(registry_at(url))
        before = await registry.claim("a")
        await server.aclose()
        registry.checkpoint_nowait(before, "one turn")
        registry.release_nowait(before)
        claim = await registry.claim("a")
        assert (claim.epoch, claim.checkpoint) == (0, "one turn")
        registry.checkpoint_nowait(claim, "two turns")
        await server.enter_async_context(open_valkey(tmp_path))
        await registry.publish()
        other = await stack.enter_async_context(registry_at(url, "node-2"))
        assert claim.epoch > before.epoch
        after = await other.claim("a")
        assert (after.epoch, after.checkpoint) == (claim.epoch + 1, "two turns")
        with redis.from_url(url) as client:
            for what in ("epoch", "checkpoint"):
                assert 0 < client.ttl(f"callengine:{{call:a}}:{what}") <= KEPT_SECONDS


async def test_a_node_that_was_stopped_finds_at_its_next_heartbeat_that_its_call_is_gone(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "HEARTBEAT_SECONDS", 0.05)
    async with registry_at(redis_url) as registry, open_registry(redis_url, "node-2", registry._bridge) as other:
        claim = await registry.claim("a")
        newer = await other.claim("a")
        with trio.fail_after(60):
            await claim.lost.wait()
        assert not newer.lost.is_set()


async def test_after_an_outage_nobody_is_sure_to_be_a_call_s_first_connection(tmp_path: Path) -> None:
    """A node that had the call may have died before Redis heard of it, and Redis may have come back empty."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(AsyncExitStack())
        url = await server.enter_async_context(open_valkey(tmp_path))
        registry = await stack.enter_async_context(registry_at(url))
        assert (await registry.claim("a")).first
        await server.aclose()
        registry.call_up_nowait(LiveCall("a", "node-1", NOON))
        with pytest.raises(ServiceError):
            await registry.publish()
        claim = await registry.claim("c")
        assert (claim.epoch, claim.first) == (0, False)
        await server.enter_async_context(open_valkey(tmp_path))
        await registry.publish()
        claim = await registry.claim("d")
        assert (claim.epoch, claim.first) == (1, False)
