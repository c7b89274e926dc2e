"""Reading the record, for the API: each question on a connection of its own, a few at once, none for long."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
import trio

from callengine.ports.bridge import Bridge
from callengine.services.database import as_service_error

T = TypeVar("T")

READ_SECONDS = 5.0
MAX_READS = 4


class Reader:
    """Asks the database at `options` (see `connection_options`)."""

    def __init__(self, options: dict[str, str], bridge: Bridge) -> None:
        self._options = options
        self._bridge = bridge
        self._at_once = trio.CapacityLimiter(MAX_READS)

    async def ask(self, afn: Callable[..., Awaitable[T]], *args: object) -> T:
        """Await `afn(options, *args)` on the asyncio side. Raises ServiceError."""
        try:
            with trio.fail_after(READ_SECONDS):
                async with self._at_once:
                    return await self._bridge.run(afn, self._options, *args)
        except (psycopg.Error, OSError, trio.TooSlowError) as error:
            raise as_service_error(error, self._options) from error
