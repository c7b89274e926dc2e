"""A step of the bridge always wakes: whoever finishes what it waits for, whenever, and whatever is cancelled meanwhile.

Futures of asyncio's are finished here in every way that a library has: before they are awaited, by a callback of the
loop, by a timer, by another thread, and by a reader of a socket that a thread writes to, as grpc.aio does it."""

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from callengine.ports.bridge import Bridge
from callengine.services.bridge import open_bridge

GUARD_SECONDS = 60
TASKS, STEPS = 40, 60
Future = asyncio.Future[int]


def awaited_before(future: Future) -> None:
    future.set_result(1)


def by_a_callback(future: Future) -> None:
    future.get_loop().call_soon(future.set_result, 1)


def by_a_timer(future: Future) -> None:
    future.get_loop().call_later(0.001, future.set_result, 1)


def by_a_thread(future: Future) -> None:
    threading.Thread(target=lambda: future.get_loop().call_soon_threadsafe(future.set_result, 1)).start()


@pytest.mark.parametrize("finish", [awaited_before, by_a_callback, by_a_timer, by_a_thread])
async def test_no_step_sleeps_on(finish: Callable[[Future], None]) -> None:
    done: list[int] = []

    async def step() -> int:
        future: Future = asyncio.get_running_loop().create_future()
        finish(future)
        await asyncio.sleep(0)
        return await future

    async with open_bridge() as bridge:
        with trio.fail_after(GUARD_SECONDS):
            async with trio.open_nursery() as nursery:
                for _ in range(TASKS):
                    nursery.start_soon(_repeat, bridge, step, done)
    assert sum(done) == TASKS * STEPS


async def _repeat(bridge: Bridge, step: Callable[[], Coroutine[Any, Any, int]], done: list[int]) -> None:
    for _ in range(STEPS):
        result = await bridge.step(step)
        done.append(result)


class Poller:
    """grpc.aio's way: a thread finds what has happened, and writes a byte for each; a reader of the loop takes one byte
    at a time, and then everything there is."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._wanted: SimpleQueue[Future | None] = SimpleQueue()
        self._happened: deque[Future] = deque()
        self._inside, self._outside = socket.socketpair()
        self._inside.setblocking(False)
        self._loop = loop
        loop.add_reader(self._inside, self._take)
        self._thread = threading.Thread(target=self._poll)
        self._thread.start()

    def finish(self, future: Future) -> None:
        self._wanted.put(future)

    def close(self) -> None:
        self._loop.remove_reader(self._inside)
        self._wanted.put(None)
        self._thread.join()
        self._inside.close()
        self._outside.close()

    def _poll(self) -> None:
        while (future := self._wanted.get()) is not None:
            self._happened.append(future)
            self._outside.send(b"1")

    def _take(self) -> None:
        self._inside.recv(1)
        while self._happened:
            if not (future := self._happened.popleft()).done():
                future.set_result(1)


async def test_no_step_sleeps_on_that_a_poller_thread_wakes() -> None:
    done: list[int] = []
    async with open_bridge() as bridge:
        poller = await bridge.step(_poller)

        async def step() -> int:
            future: Future = asyncio.get_running_loop().create_future()
            poller.finish(future)
            return await future

        with trio.fail_after(GUARD_SECONDS):
            async with trio.open_nursery() as nursery:
                for _ in range(TASKS):
                    nursery.start_soon(_repeat, bridge, step, done)
        poller.close()
    assert sum(done) == TASKS * STEPS


async def _poller() -> Poller:
    await asyncio.sleep(0)
    return Poller(asyncio.get_running_loop())


@dataclass(frozen=True, slots=True)
class Wait:
    """A step that waits twice, for futures finished and abandoned at these instants; before they are awaited or at the
    same instant as well. `shared`: another step awaits the first as well."""

    finished: tuple[int, int]
    abandoned: int | None
    shared: bool


@dataclass(slots=True)
class Seen:
    """What became of a step."""

    result: int | None = None
    cancelled: bool = False
    ended: int = 0
    both: list[int] = field(default_factory=list)


waits = st.lists(
    st.builds(Wait, st.tuples(st.integers(0, 4), st.integers(0, 4)), st.none() | st.integers(0, 6), st.booleans()),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(waits)
def test_finishing_and_abandoning_in_any_order_leave_no_step_behind(plan: list[Wait]) -> None:
    trio.run(_play, plan, clock=MockClock(autojump_threshold=0))


async def _play(plan: list[Wait]) -> None:
    seen = [Seen() for _ in plan]
    async with open_bridge() as bridge:
        with trio.fail_after(GUARD_SECONDS):  # of virtual time: a step that sleeps on is found at once
            async with trio.open_nursery() as nursery:
                for wait, becomes in zip(plan, seen, strict=True):
                    nursery.start_soon(_wait, bridge, wait, becomes)
    for wait, becomes in zip(plan, seen, strict=True):
        assert becomes.ended == (2 if wait.shared else 1)
        last = max(wait.finished)
        if wait.abandoned is None or wait.abandoned > last:
            assert (becomes.result, becomes.cancelled) == (2, False)
        elif wait.abandoned < last:
            assert (becomes.result, becomes.cancelled) == (None, True)
        else:
            assert (becomes.result == 2) is not becomes.cancelled, "the one or the other"
        if wait.shared and (wait.abandoned is None or wait.abandoned > wait.finished[0]):
            assert becomes.both == [1]


async def _wait(bridge: Bridge, wait: Wait, seen: Seen) -> None:
    futures = await bridge.step(_futures, wait.finished)

    async def step() -> int:
        try:
            return await futures[0] + await futures[1]
        finally:
            seen.ended += 1

    async def look_on() -> None:
        try:
            seen.both.append(await futures[0])
        except asyncio.CancelledError:  # noqa: ASYNC103 - of the future itself, by the step that shares it
            pass
        finally:
            seen.ended += 1

    async with trio.open_nursery() as nursery:
        if wait.shared:
            nursery.start_soon(bridge.step, look_on)
        abandoned = float("inf") if wait.abandoned is None else trio.current_time() + wait.abandoned
        with trio.move_on_at(abandoned) as scope:
            seen.result = await bridge.step(step)
        seen.cancelled = scope.cancelled_caught


async def _futures(instants: tuple[int, int]) -> list[Future]:
    loop = asyncio.get_running_loop()
    made: list[Future] = []
    for instant in instants:
        future: Future = loop.create_future()
        loop.call_later(instant, _finish, future)
        made.append(future)
    await asyncio.sleep(0)
    return made


def _finish(future: Future) -> None:
    if not future.done():
        future.set_result(1)
