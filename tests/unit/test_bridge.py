"""The bridge between Trio and asyncio: results, errors and cancellation in both directions."""

import _asyncio
import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog.testing
import trio
from trio.testing import MockClock

from callengine.metrics import bridge_errors_total
from callengine.services.bridge import LEAVE_SECONDS, open_bridge


class OddError(Exception):
    """An error of the library's own."""


async def answer() -> str:
    await asyncio.sleep(0)
    return "alive"


async def test_a_result_comes_back_and_arguments_go_over() -> None:
    async def add(left: int, right: int) -> int:
        await asyncio.sleep(0)
        return left + right

    async with open_bridge() as bridge:
        assert await bridge.run(add, 2, 3) == 5


async def test_an_error_comes_back_as_itself() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise OddError("no")

    async with open_bridge() as bridge:
        with pytest.raises(OddError, match="no"):
            await bridge.run(fail)


async def test_cancelling_here_cancels_there(autojump_clock: MockClock) -> None:
    seen: list[str] = []

    async def hang() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async with open_bridge() as bridge:
        with trio.move_on_after(1) as scope:
            await bridge.run(hang)
    assert scope.cancelled_caught
    assert seen == ["cancelled"]


async def test_cancelling_waits_for_the_other_side(autojump_clock: MockClock) -> None:
    async def clean_up_slowly() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(3)  # noqa: ASYNC102 - the rule is Trio's, this side is asyncio

    async with open_bridge() as bridge:
        start = trio.current_time()
        with trio.move_on_after(1) as scope:
            await bridge.run(clean_up_slowly)
        took = trio.current_time() - start
    assert scope.cancelled_caught
    assert took == pytest.approx(4)


async def test_a_callee_that_swallows_its_cancellation_returns_its_result(autojump_clock: MockClock) -> None:
    async def stubborn() -> str:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:  # noqa: ASYNC103 - what is tested
            return "written anyway"  # noqa: ASYNC104
        return "never"

    async with open_bridge() as bridge:
        with trio.move_on_after(1) as scope:
            result = await bridge.run(stubborn)
    assert result == "written anyway"
    assert not scope.cancelled_caught


async def test_an_error_during_cancellation_is_not_lost(autojump_clock: MockClock) -> None:
    async def fail_while_cancelled() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            raise OddError("while cleaning up")

    async with open_bridge() as bridge:
        with pytest.raises(OddError), trio.move_on_after(1):
            await bridge.run(fail_while_cancelled)


async def test_a_cancellation_nobody_asked_for_is_an_error() -> None:
    async def cancelled_by_itself() -> None:
        await asyncio.sleep(0)
        raise asyncio.CancelledError

    async with open_bridge() as bridge:
        with pytest.raises(RuntimeError, match="cancelled_by_itself was cancelled on the asyncio side"):
            await bridge.run(cancelled_by_itself)


async def test_a_stray_error_is_counted_and_the_body_lives_on() -> None:
    words = "what a caller said"

    async def stray() -> None:
        await asyncio.sleep(0)
        raise OddError(words)

    async def start_stray() -> None:
        task = asyncio.get_running_loop().create_task(stray())
        await asyncio.wait([task])

    before = bridge_errors_total._value.get()
    with structlog.testing.capture_logs() as logs:
        async with open_bridge() as bridge:
            await bridge.run(start_stray)
            gc.collect()  # asyncio reports the error when the task is gone, and from 3.12 on it is in a cycle
            await trio.testing.wait_all_tasks_blocked()
            assert await bridge.run(answer) == "alive"
    assert bridge_errors_total._value.get() == before + 1
    assert [entry["log_level"] for entry in logs] == ["error"]
    assert logs[0]["error"] == "OddError"
    assert words not in str(logs)


async def test_a_callback_that_raises_does_not_end_the_loop() -> None:
    def burst() -> None:
        raise OddError("in a callback")

    async def schedule() -> None:
        asyncio.get_running_loop().call_soon(burst)
        await asyncio.sleep(0)

    with structlog.testing.capture_logs() as logs:
        async with open_bridge() as bridge:
            await bridge.run(schedule)
            await trio.testing.wait_all_tasks_blocked()
            assert await bridge.run(answer) == "alive"
    assert [entry["event"] for entry in logs] == ["stray error on the asyncio side"]


@asynccontextmanager
async def traced(seen: list[str]) -> AsyncIterator[str]:
    """An asyncio context manager that says what it saw."""
    await asyncio.sleep(0)
    seen.append("entered")
    try:
        yield "value"
    except OddError:
        seen.append("saw the error")
        raise
    finally:
        await asyncio.sleep(0)  # noqa: ASYNC102 - the rule is Trio's, this side is asyncio
        seen.append("left")


async def test_a_manager_is_entered_and_left() -> None:
    seen: list[str] = []
    async with open_bridge() as bridge:
        async with bridge.open(traced(seen)) as value:
            assert value == "value"
            assert seen == ["entered"]
        assert seen == ["entered", "left"]


async def test_a_manager_sees_the_error_of_its_body() -> None:
    seen: list[str] = []
    async with open_bridge() as bridge:
        with pytest.raises(OddError, match="from the body"):
            async with bridge.open(traced(seen)):
                raise OddError("from the body")
    assert seen == ["entered", "saw the error", "left"]


async def test_a_manager_may_swallow_the_error_of_its_body() -> None:
    @asynccontextmanager
    async def forgiving() -> AsyncIterator[None]:
        try:
            yield
        except OddError:
            await asyncio.sleep(0)

    async with open_bridge() as bridge:
        opened = bridge.open(forgiving())
        await opened.__aenter__()
        error = OddError("from the body")
        assert await opened.__aexit__(OddError, error, None) is True


async def test_a_cancelled_body_still_leaves_in_full(autojump_clock: MockClock) -> None:
    seen: list[str] = []
    async with open_bridge() as bridge:
        with trio.move_on_after(1) as scope:
            async with bridge.open(traced(seen)):
                await trio.sleep_forever()
    assert scope.cancelled_caught
    assert seen == ["entered", "left"]


async def test_leaving_is_bounded(autojump_clock: MockClock) -> None:
    @asynccontextmanager
    async def endless() -> AsyncIterator[None]:
        yield
        await asyncio.get_running_loop().create_future()

    with structlog.testing.capture_logs() as logs:
        async with open_bridge() as bridge:
            start = trio.current_time()
            async with bridge.open(endless()):
                pass
            took = trio.current_time() - start
    assert took == pytest.approx(LEAVE_SECONDS)
    assert [entry["log_level"] for entry in logs] == ["warning"]


async def test_a_library_imported_before_the_bridge_finds_the_loop() -> None:
    original = _asyncio.get_running_loop  # what `from asyncio import get_running_loop` gave before trio-asyncio

    async def ask() -> asyncio.AbstractEventLoop:
        await asyncio.sleep(0)
        return original()

    async with open_bridge() as bridge:
        assert isinstance(await bridge.run(ask), asyncio.AbstractEventLoop)
    with pytest.raises(RuntimeError, match="no running event loop"):
        original()


async def test_many_at_once_share_one_loop() -> None:
    results: list[int] = []

    async with open_bridge() as bridge:

        async def one(number: int) -> None:
            results.append(await bridge.run(asyncio.sleep, 0, number))

        async with trio.open_nursery() as nursery:
            for number in range(100):
                nursery.start_soon(one, number)
    assert sorted(results) == list(range(100))
