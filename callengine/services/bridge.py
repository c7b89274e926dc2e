"""One asyncio loop inside Trio's run, for the libraries that know only asyncio. Nothing else imports trio_asyncio."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

import structlog
import trio
import trio_asyncio

from callengine.metrics import bridge_errors_total
from callengine.ports.bridge import CANCELLED_HERE, Bridge

T = TypeVar("T")

# An asyncio manager that cannot leave in this time is cancelled: shutting down must not hang on a dead peer.
LEAVE_SECONDS = 5.0

log = structlog.get_logger(__name__)


class LoopBridge:
    """The Bridge port over one trio-asyncio loop."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop

    async def run(self, afn: Callable[..., Awaitable[T]], /, *args: object) -> T:
        """Await `afn(*args)` on the asyncio side.

        Cancelling here cancels the asyncio task and waits for it: one that cleans up for 3 s makes a 1 s timeout last
        4 s, and one that swallows its cancellation returns normally. An asyncio CancelledError that nobody here asked
        for is an error of the callee, raised as RuntimeError so that it cannot be taken for our own cancellation.
        """
        try:
            result: T = await self._loop.run_aio_coroutine(_call(afn, args))
        except asyncio.CancelledError as error:
            # Theirs, not ours: ours is trio.Cancelled.
            raise RuntimeError(f"{_name(afn)} was cancelled on the asyncio side") from error  # noqa: ASYNC104
        return result

    async def step(self, afn: Callable[..., Coroutine[Any, Any, T]], /, *args: object) -> T:
        """The same as `run` for a short step of a library that asks for no asyncio task of its own (grpc.aio's reads
        and writes): the coroutine is run by the Trio task that waits. It spares a task and two turns of the loop, a
        quarter of what a message costs.

        Cancelling here throws CancelledError(CANCELLED_HERE) into it, and waits for its end for LEAVE_SECONDS.
        """
        coroutine = afn(*args)
        try:
            while True:
                awaited = coroutine.send(None)
                try:
                    await _settled(awaited)
                except trio.Cancelled:
                    with trio.move_on_after(LEAVE_SECONDS, shield=True) as patience:
                        await _give_up(coroutine, awaited)
                    if patience.cancelled_caught:
                        coroutine.close()
                        log.warning("asyncio coroutine did not end in time", name=_name(afn))
                    raise
        except StopIteration as done:
            result: T = done.value
            return result

    @asynccontextmanager
    async def open(self, manager: AbstractAsyncContextManager[T], /) -> AsyncIterator[T]:
        """Enter and leave an asyncio context manager from Trio; leaving is shielded, for at most LEAVE_SECONDS.

        Entering and leaving are two asyncio tasks, so a manager that must stay in one (asyncio.timeout, TaskGroup)
        cannot be opened this way: put it inside a function and `run` that.
        """
        async with AsyncExitStack() as stack:
            value = await self.run(manager.__aenter__)
            stack.push_async_exit(partial(self._leave, manager))
            yield value

    async def _leave(
        self,
        manager: AbstractAsyncContextManager[Any],
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> bool:
        with trio.move_on_after(LEAVE_SECONDS, shield=True):
            return bool(await self.run(manager.__aexit__, kind, error, where))
        log.warning("asyncio context manager did not close in time", manager=type(manager).__name__)
        return False


@asynccontextmanager
async def open_bridge() -> AsyncIterator[Bridge]:
    """The process's one asyncio loop: open it first and close it last.

    One per process, not one per call: gRPC's poller allows one reader, so concurrent loops end in BusyResourceError.
    """
    async with trio_asyncio.open_loop() as loop:
        # The default handler raises a stray task's exception out of the loop, which would end every call.
        loop.set_exception_handler(_note_stray_error)
        # trio-asyncio replaces asyncio.get_running_loop; a library that took the original before (psycopg does, if it
        # was imported first) asks the interpreter's own note of it, which is therefore set as well.
        asyncio._set_running_loop(loop)
        try:
            yield LoopBridge(loop)
        finally:
            asyncio._set_running_loop(None)


def _name(afn: Callable[..., object]) -> str:
    return str(getattr(afn, "__qualname__", type(afn).__name__))


async def _settled(awaited: Any) -> None:
    """Wait for what a coroutine of asyncio's awaits: a future, or the loop's next turn (None).

    No wake-up is lost, whoever finishes the future and when: other threads reach it only through the loop
    (`call_soon_threadsafe`, or a socket that a reader of the loop's waits for, as gRPC's do), so it is finished on this
    thread; a callback that is added to a finished one is queued at once; and the loop's queue is a Trio channel, whose
    receiver wakes in this very run."""
    if awaited is None:
        await trio.lowlevel.checkpoint()
        return
    awaited._asyncio_future_blocking = False  # as an asyncio task says that it has taken the future
    done = trio.Event()
    awaited.add_done_callback(lambda _future: done.set())
    await done.wait()


async def _give_up(coroutine: Coroutine[Any, Any, Any], awaited: Any) -> None:
    """Cancel a coroutine as its task would, and let it clean up. An error of its own is raised."""
    if awaited is not None:
        awaited.cancel()
    with suppress(StopIteration, asyncio.CancelledError):
        awaited = coroutine.throw(asyncio.CancelledError(CANCELLED_HERE))
        while True:
            await _settled(awaited)
            awaited = coroutine.send(None)


async def _call(afn: Callable[..., Awaitable[T]], args: tuple[object, ...]) -> T:
    return await afn(*args)


def _note_stray_error(_loop: object, context: dict[str, Any]) -> None:
    """Count and log what nobody awaited. The exception's own text stays out: it may quote what a caller said."""
    bridge_errors_total.inc()
    error = context.get("exception")
    stack = traceback.format_tb(error.__traceback__) if isinstance(error, BaseException) else []
    log.error(
        "stray error on the asyncio side",
        problem=str(context.get("message", "")).split("\n", 1)[0],
        error=type(error).__name__,
        stack="".join(stack),
    )
