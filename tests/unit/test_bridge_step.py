"""A step of the bridge, a coroutine of asyncio's run by the Trio task that waits: results, errors, cancellation."""

import asyncio
import sys
from contextlib import suppress

import pytest
import structlog.testing
import trio
from trio.testing import MockClock

from callengine.ports.bridge import CANCELLED_HERE
from callengine.services.bridge import LEAVE_SECONDS, open_bridge


class OddError(Exception):
    """An error of the library's own."""


async def test_a_step_gives_its_result_or_its_error() -> None:
    async def add(left: int, right: int) -> int:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.001, future.set_result, right)
        await asyncio.sleep(0)
        return left + int(await future)

    async def fail() -> None:
        await asyncio.sleep(0)
        raise OddError("no")

    async with open_bridge() as bridge:
        assert await bridge.step(add, 2, 3) == 5
        with pytest.raises(OddError, match="no"):
            await bridge.step(fail)


async def test_cancelling_a_step_cancels_it_and_lets_it_clean_up(autojump_clock: MockClock) -> None:
    seen: list[object] = []

    async def hang() -> None:
        future = asyncio.get_running_loop().create_future()
        try:
            await future
        finally:
            seen.append(sys.exception())
            await asyncio.sleep(0.5)  # noqa: ASYNC102 - asyncio's, which cancels once
            seen.append(future.cancelled())

    async with open_bridge() as bridge:
        began = trio.current_time()
        with trio.move_on_after(1) as scope:
            await bridge.step(hang)
        assert trio.current_time() - began == pytest.approx(1.5)
    assert scope.cancelled_caught
    assert [str(what) for what in seen] == [CANCELLED_HERE, "True"]


async def test_a_step_that_swallows_its_cancellation_ends_as_cancelled(autojump_clock: MockClock) -> None:
    async def stubborn() -> str:
        with suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().create_future()
        return "well"

    async with open_bridge() as bridge:
        with trio.move_on_after(1) as scope:
            await bridge.step(stubborn)
    assert scope.cancelled_caught


async def test_a_step_that_never_ends_is_left_behind_in_the_end(autojump_clock: MockClock) -> None:
    async def endless() -> None:
        while True:  # noqa: ASYNC913
            with suppress(asyncio.CancelledError):
                await asyncio.get_running_loop().create_future()

    async with open_bridge() as bridge:
        began = trio.current_time()
        with structlog.testing.capture_logs() as logs, trio.move_on_after(1) as scope:
            await bridge.step(endless)
        assert trio.current_time() - began == pytest.approx(1 + LEAVE_SECONDS)
    assert scope.cancelled_caught
    assert [entry["event"] for entry in logs] == ["asyncio coroutine did not end in time"]
