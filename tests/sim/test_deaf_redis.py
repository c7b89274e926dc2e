"""A Redis that takes every question and answers none, as a machine that hangs: the dialplan and the callers wait for it
as little as for one that is gone."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import pytest
import redis.asyncio
import trio
from trio.testing import MockClock

from callengine.ports.tools import CallerContext
from callengine.services import registry_scripts as scripts
from callengine.services.registry import (
    ANSWER_SECONDS,
    CLAIM_AWAY_SECONDS,
    CLAIM_SECONDS,
    HEARTBEAT_SECONDS,
    RedisRegistry,
)
from tests.deploy.files import ROOT

T = TypeVar("T")

ANNA = CallerContext("a", "ru-RU", "+79161234567", "Анна")


@dataclass
class Deaf:
    """The Bridge port to such a Redis. Once `well`, it takes what it is told, and has a checkpoint of every call."""

    well: bool = False
    slow_seconds: float = 0.0  # until a call is claimed
    told: list[tuple[str, object]] = field(default_factory=list)
    news: trio.Event = field(default_factory=trio.Event)

    async def run(self, afn: Callable[..., Awaitable[T]], /, *args: object) -> T:
        """The question's name and what it is about are kept."""
        if not self.well:
            await trio.sleep_forever()
        await trio.sleep(self.slow_seconds if afn is scripts.claim else 0)
        self.told.append((getattr(afn, "__name__", ""), args[1:2]))
        self.news.set()
        answer: Any = (1, "what was said") if afn is scripts.claim else None
        return answer  # type: ignore[no-any-return]

    async def step(self, afn: Callable[..., Coroutine[Any, Any, T]], /, *args: object) -> NoReturn:
        """Not for Redis."""
        raise NotImplementedError

    def open(self, manager: AbstractAsyncContextManager[T], /) -> NoReturn:
        """Not for Redis."""
        raise NotImplementedError


@asynccontextmanager
async def registry_to(bridge: Deaf) -> AsyncIterator[RedisRegistry]:
    registry = RedisRegistry(redis.asyncio.Redis(), "one", bridge)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(registry.run_writer)
        yield registry
        nursery.cancel_scope.cancel("over")


@pytest.fixture
def api_seconds() -> float:
    """How long the dialplan waits for an answer, as it is shipped."""
    lines = (ROOT / "docker/asterisk/settings.conf").read_text(encoding="utf-8").splitlines()
    (value,) = [line.partition(" = ")[2] for line in lines if line.startswith("CE_API_SECONDS = ")]
    return float(value)


async def test_a_registration_is_taken_before_the_dialplan_gives_up(
    autojump_clock: MockClock, api_seconds: float
) -> None:
    async with registry_to(Deaf()) as registry:
        began = trio.current_time()
        await registry.put_caller(ANNA)
        assert trio.current_time() - began < api_seconds
        assert await registry.take_caller("a") == ANNA


async def test_it_is_told_of_the_caller_as_soon_as_it_answers(autojump_clock: MockClock) -> None:
    """Another node may get the call: that must not wait for the next heartbeat."""
    bridge = Deaf(well=True)
    async with registry_to(bridge) as registry:
        await trio.sleep(HEARTBEAT_SECONDS / 2)
        bridge.well = False
        await registry.put_caller(ANNA)
        bridge.well, began = True, trio.current_time()
        with trio.fail_after(HEARTBEAT_SECONDS):
            while ("put_caller", (ANNA,)) not in bridge.told:
                await bridge.news.wait()
                bridge.news = trio.Event()
        assert trio.current_time() - began < ANSWER_SECONDS + 0.5  # after the question that it did not answer


async def test_a_call_is_not_waited_for_longer_than_it_takes_to_find_out(autojump_clock: MockClock) -> None:
    bridge = Deaf(well=True)
    async with registry_to(bridge) as registry:
        await trio.sleep(1.0)
        bridge.well, began = False, trio.current_time()
        assert (await registry.claim("a")).epoch == 0
        assert trio.current_time() - began <= ANSWER_SECONDS + CLAIM_AWAY_SECONDS + 0.01
        began = trio.current_time()
        assert (await registry.claim("b")).epoch == 0
        assert trio.current_time() - began <= CLAIM_AWAY_SECONDS + 0.01


async def test_what_was_said_is_waited_for_while_redis_is_well(autojump_clock: MockClock) -> None:
    """As when all calls of a node that died come at once."""
    async with registry_to(Deaf(well=True, slow_seconds=CLAIM_SECONDS - 0.5)) as registry:
        assert (await registry.claim("a")).checkpoint == "what was said"
