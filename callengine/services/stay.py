"""A node's stay in Redis: what it says of itself for as long as it is up, and takes back when it goes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
import trio

from callengine.errors import ServiceError

LEAVE_SECONDS = 2.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_stay(
    say: Callable[[], Awaitable[None]], leave: Callable[[], Awaitable[None]], stays: str
) -> AsyncIterator[None]:
    """`say` runs for as long as the block does; then `leave` has LEAVE_SECONDS, also where the block was cancelled. A
    ServiceError of `leave` is logged as `stays`: what is not taken back."""
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(say)
            try:
                yield
            finally:
                nursery.cancel_scope.cancel()
    finally:
        with trio.move_on_after(LEAVE_SECONDS, shield=True):
            try:
                await leave()
            except ServiceError as error:
                log.warning(stays, problem=str(error))
