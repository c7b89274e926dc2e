"""Reading the record, for the API: each question on a connection of its own, a few at once, none for long. A replica
is asked where there is one that answers and keeps up; else the primary is."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
import structlog
import trio

from callengine.errors import ServiceError
from callengine.ports.bridge import Bridge
from callengine.ports.journal import CallRecord
from callengine.services import journal_store as store
from callengine.services.database import as_service_error

T = TypeVar("T")
Options = dict[str, str]

READ_SECONDS = 5.0
REPLICA_SECONDS = 2.0  # what is left then is the primary's
MAX_READS = 4
MAX_LAG_SECONDS = 5.0
LOOK_SECONDS = 2.0  # so long is believed what was found of the replica

log = structlog.get_logger(__name__)


class Reader:
    """Asks the database at `options` (see `connection_options`), or its `replica`."""

    def __init__(self, options: Options, bridge: Bridge, replica: Options | None = None) -> None:
        self._options = options
        self._replica = replica
        self._bridge = bridge
        self._at_once = trio.CapacityLimiter(MAX_READS)
        self._serves = True  # what was last found of the replica
        self._look_at = -float("inf")

    async def ask(self, afn: Callable[..., Awaitable[T]], *args: object) -> T:
        """Await `afn(options, *args)` on the asyncio side. Raises ServiceError."""
        if self._replica is not None and await self._replica_serves(self._replica):
            try:
                return await self._run(REPLICA_SECONDS, self._replica, afn, *args)
            except ServiceError as error:
                self._note(False, str(error))
        return await self.ask_primary(afn, *args)

    async def ask_primary(self, afn: Callable[..., Awaitable[T]], *args: object) -> T:
        """The same, of the database that is written to."""
        return await self._run(READ_SECONDS, self._options, afn, *args)

    async def call(self, call_id: str) -> CallRecord | None:
        """One call. One that is not over as the replica has it is asked for where it is written."""
        record = await self.ask(store.read_call, call_id)
        if self._replica is None or (record is not None and record.closed is not None):
            return record
        try:
            return await self.ask_primary(store.read_call, call_id)
        except ServiceError:
            if record is None:
                raise
            return record

    async def _replica_serves(self, replica: Options) -> bool:
        if trio.current_time() >= self._look_at:
            self._look_at = trio.current_time() + LOOK_SECONDS
            try:
                lag = await self._run(REPLICA_SECONDS, replica, store.replica_lag)
            except ServiceError as error:
                self._note(False, str(error))
            else:
                self._note(lag <= MAX_LAG_SECONDS, f"{lag:.0f} s behind")
        return self._serves

    def _note(self, serves: bool, found: str) -> None:
        if serves and not self._serves:
            log.info("the replica is read again")
        elif self._serves and not serves:
            log.warning("the primary is read instead of its replica", problem=found)
        self._serves = serves

    async def _run(self, seconds: float, options: Options, afn: Callable[..., Awaitable[T]], *args: object) -> T:
        try:
            with trio.fail_after(seconds):
                async with self._at_once:
                    return await self._bridge.run(afn, options, *args)
        except (psycopg.Error, OSError, trio.TooSlowError) as error:
            variable = "DATABASE_REPLICA_URL" if options is self._replica else "DATABASE_URL"
            raise as_service_error(error, options, variable) from error
