"""Redis is asked on a fixed number of connections, which are there before the first call."""

from collections.abc import Awaitable, Callable

import pytest
import redis
import trio

from callengine.services.bridge import open_bridge
from callengine.services.redis_client import CONNECTIONS
from callengine.services.registry import open_registry
from callengine.services.speech_store import open_speech_store

pytestmark = pytest.mark.integration

AT_ONCE = 50


def connections(redis_url: str) -> set[str]:
    """Of others than this one."""
    with redis.from_url(redis_url, decode_responses=True) as client:
        mine = client.client_id()
        return {each["id"] for each in client.client_list() if int(each["id"]) != mine}


async def asked_at_once(ask: Callable[[str], Awaitable[object]], redis_url: str) -> None:
    """So many questions in one moment, over the connections that were there before."""
    before = connections(redis_url)
    async with trio.open_nursery() as nursery:
        for number in range(AT_ONCE):
            nursery.start_soon(ask, str(number))
    assert connections(redis_url) == before
    assert len(before) == CONNECTIONS


async def test_fifty_callers_at_once_need_no_connection_more(redis_url: str) -> None:
    async with open_bridge() as bridge, open_registry(redis_url, "node-1", bridge) as registry:
        await asked_at_once(registry.take_caller, redis_url)


async def test_fifty_prompts_at_once_need_no_connection_more(redis_url: str) -> None:
    async with open_bridge() as bridge, open_speech_store(redis_url, bridge) as store:
        await asked_at_once(store.get, redis_url)


async def test_a_connection_that_was_lost_is_opened_again(redis_url: str) -> None:
    async with open_bridge() as bridge, open_registry(redis_url, "node-1", bridge) as registry:
        before = connections(redis_url)
        with redis.from_url(redis_url) as client:
            client.client_kill_filter(_type="normal", skipme=True)
        await registry.check()
        assert connections(redis_url).isdisjoint(before)
        assert await registry.live_calls() == []
