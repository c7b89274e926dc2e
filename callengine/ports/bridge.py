"""The one way from Trio to libraries that know only asyncio (grpc.aio, psycopg, redis)."""

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

CANCELLED_HERE = "cancelled from Trio"


class Bridge(Protocol):
    """One asyncio loop per process, hosted inside Trio's run."""

    async def run(self, afn: Callable[..., Awaitable[T]], /, *args: object) -> T:
        """Await `afn(*args)` on the asyncio side. Cancelling here cancels there, and waits for it."""
        ...

    async def step(self, afn: Callable[..., Coroutine[Any, Any, T]], /, *args: object) -> T:
        """The same, for less, where no asyncio task is asked for. Cancelling here throws
        asyncio.CancelledError(CANCELLED_HERE) into it, and waits for its end."""
        ...

    def open(self, manager: AbstractAsyncContextManager[T], /) -> AbstractAsyncContextManager[T]:
        """Enter and leave an asyncio context manager from Trio."""
        ...
