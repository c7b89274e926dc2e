"""The one way from Trio to libraries that know only asyncio (grpc.aio, psycopg, redis)."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

T = TypeVar("T")


class Bridge(Protocol):
    """One asyncio loop per process, hosted inside Trio's run."""

    async def run(self, afn: Callable[..., Awaitable[T]], /, *args: object) -> T:
        """Await `afn(*args)` on the asyncio side. Cancelling here cancels there, and waits for it."""
        ...

    def open(self, manager: AbstractAsyncContextManager[T], /) -> AbstractAsyncContextManager[T]:
        """Enter and leave an asyncio context manager from Trio."""
        ...
