"""The record in PostgreSQL, written behind: taking an entry costs a list append, whatever the database is doing. What
it has not taken within a moment is put on disk, and goes from there to the database, in order."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import islice

import psycopg
import structlog
import trio

from callengine.errors import ServiceError
from callengine.metrics import journal_backlog, journal_lost_total
from callengine.ports.bridge import Bridge
from callengine.ports.calls_wanted import ALL_CALLS, CallsWanted
from callengine.ports.journal import CallbackRequested, CallRecord, Entry
from callengine.services import journal_store as store
from callengine.services.database import as_service_error, connection_options
from callengine.services.journal_reading import Reader
from callengine.services.journal_spooling import Spooling
from callengine.services.spool import Spool

# In memory, where the disk takes none: about an hour of 200 busy calls, some 100 MB. What is beyond it is counted,
# never what was taken before.
MAX_ENTRIES = 100_000
# A transaction's worth: formatting it must stay within one 5 ms step of the loop.
BATCH_ENTRIES = 50
GATHER_SECONDS = 0.1  # entries of a moment share a transaction
# An entry is on disk once it has waited so long, twice at most: no file is touched while the database is well.
KEEP_SECONDS = 0.2
KEEP_AGAIN_SECONDS = 1.0  # after a disk has failed
ATTEMPT_SECONDS = 10.0
BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
CLOSE_SECONDS = REST_SECONDS = 5.0  # at the end: for the database, and then for the disk

log = structlog.get_logger(__name__)


class PostgresJournal:
    """The Journal port. An entry is in `_entries`, then perhaps in the spool, until the database has it (or has refused
    it for good). All that is in the spool was taken before all that is in `_entries`."""

    def __init__(self, options: dict[str, str], bridge: Bridge, reader: Reader, spool: Spool | None = None) -> None:
        self._options = options
        self._bridge = bridge
        self._reader = reader
        self._spooling = Spooling(spool)
        self._entries: deque[Entry] = deque()
        self._left = 0  # how many have left `_entries`: the number of its first one
        # What is on its way to disk while the database takes it will be in the spool, and be written once more.
        self._keeping_from: int | None = None
        self._taken = self._spooling.backlog
        self._refused = self._failures = 0
        self._full = False
        self._trouble: ServiceError | None = None
        self._connection: psycopg.AsyncConnection | None = None
        self._waiting = trio.Event()  # there is something to write
        self._hurry = trio.Event()  # somebody waits for it: do not gather, do not back off
        self._attempted = trio.Event()  # replaced after every attempt
        if self._taken:
            log.info("the spool has entries of the record from before", entries=self._taken)
            self._waiting.set()

    @property
    def backlog(self) -> int:
        """Entries not in the database yet."""
        on_the_way = 0 if self._keeping_from is None else self._left - self._keeping_from
        return len(self._entries) + on_the_way + self._spooling.backlog

    @property
    def spool_failed(self) -> bool:
        """Entries that wait for the database could not be put on disk."""
        return self._spooling.failed

    def record_nowait(self, entry: Entry) -> None:
        """Take an entry. Never blocks, never raises; one that finds no room is counted and lost."""
        if len(self._entries) >= MAX_ENTRIES:
            journal_lost_total.labels("full").inc()
            if not self._full:
                self._full = True
                log.error("the record is full: entries are lost until the database is back", entries=MAX_ENTRIES)
            return
        self._entries.append(entry)
        self._taken += 1
        journal_backlog.set(self.backlog)
        self._waiting.set()

    async def flush(self) -> None:
        """Wait until every entry taken so far is in the database.

        Raises ServiceError when an attempt to write fails meanwhile, or the database refuses an entry for good.
        """
        target, refused, failures = self._taken, self._refused, self._failures
        while self._taken - self.backlog < target:
            self._hurry.set()
            await self._attempted.wait()
            if self._failures > failures:
                raise self._trouble or ServiceError("database: not written")
        if self._refused > refused:
            raise ServiceError(f"database: refused {self._refused - refused} entries of the record")

    async def check(self) -> None:
        """Raise ServiceError when the database cannot be reached, or has no schema."""
        await self._reader.ask_primary(store.ping)

    async def call(self, call_id: str) -> CallRecord | None:
        """One call with its turns and tools, or None. Raises ServiceError."""
        return await self._reader.call(call_id)

    async def calls(self, limit: int, wanted: CallsWanted = ALL_CALLS) -> Sequence[CallRecord]:
        """The newest calls first, without turns and tools; those that are wanted. Raises ServiceError."""
        return await self._reader.ask(store.read_calls, limit, wanted)

    async def callbacks(self, limit: int, before: datetime | None = None) -> Sequence[CallbackRequested]:
        """The newest requests to be called back first; those made before `before`. Raises ServiceError."""
        return await self._reader.ask(store.read_callbacks, limit, before)

    async def run_writer(self) -> None:
        """Write what was taken, in order, for ever; while the database is away, try again with growing pauses."""
        failed = 0
        while True:
            await self._waiting.wait()
            with trio.move_on_after(self._pause(failed)):
                await self._hurry.wait()
            self._hurry = trio.Event()
            try:
                await self._write_some()
            except (psycopg.Error, OSError, trio.TooSlowError) as error:
                failed = min(failed + 1, len(BACKOFF_SECONDS))
                self._note_failure(error)
                await self.close_connection()
            else:
                failed = 0
                self._note_success()
            self._rest_if_done()
            self._attempted.set()
            self._attempted = trio.Event()

    def _pause(self, failed: int) -> float:
        if failed:
            return BACKOFF_SECONDS[failed - 1]
        return GATHER_SECONDS if self.backlog < BATCH_ENTRIES else 0.0

    async def close_connection(self) -> None:
        """Leave the database; the next attempt connects again."""
        if self._connection is not None:
            await self._bridge.run(self._connection.close)
            self._connection = None

    async def run_keeper(self) -> None:
        """Put on disk what was taken and is not in the database in time, for ever."""
        while True:
            await self._waiting.wait()
            until = self._left + len(self._entries)
            await trio.sleep(KEEP_SECONDS if self._trouble is None else GATHER_SECONDS)
            if not await self._keep(until):
                await trio.sleep(KEEP_AGAIN_SECONDS)

    async def keep_the_rest(self) -> None:
        """Put on disk whatever is still in memory; say what becomes of it."""
        await self._keep(self._left + len(self._entries))
        if not self._spooling.next_ones:
            await self._spooling.read_on(BATCH_ENTRIES)  # of the file that was written last, nothing is left
        if self._spooling.backlog:
            log.warning("the next engine writes the end of the record", entries=self._spooling.backlog)
        if self._entries:
            log.error("the record ends with entries not written", entries=len(self._entries))

    async def _keep(self, until: int) -> bool:
        """Put on disk the entries before number `until` that are in memory yet; whether the disk took them."""
        while self._left < until and self._entries:
            batch = list(islice(self._entries, min(BATCH_ENTRIES, until - self._left)))
            end = self._left + len(batch)
            self._keeping_from = self._left
            try:
                if not await self._spooling.keep(batch):
                    return False
            finally:
                self._keeping_from = None
            self._drop(end)
        self._spooling.note_safety()
        return True

    async def _write_some(self) -> None:
        """Write one batch: of the spool, whose entries are older, or else of those in memory."""
        older = self._spooling.next_ones
        while not older and not await self._spooling.read_on(BATCH_ENTRIES):  # noqa: ASYNC110 - a disk tells nobody
            await trio.sleep(KEEP_AGAIN_SECONDS)
        if older:
            await self._write(list(older), lambda _: older.popleft())
            await self._spooling.read_on(BATCH_ENTRIES)  # at the end of a file: it goes
        else:
            second = self._left + 1
            await self._write(list(islice(self._entries, BATCH_ENTRIES)), lambda index: self._drop(second + index))

    async def _write(self, batch: Sequence[Entry], settle: Callable[[int], object]) -> None:
        """Write a batch, and `settle(0)`, `settle(1)`, … what is written. One that the database refuses is written
        entry by entry, to find the one at fault."""
        refusal = await self._attempt(batch) if batch else None
        for index, entry in enumerate(batch):
            if refusal is not None and (reason := await self._attempt([entry])) is not None:
                self._refuse(entry, reason)
            settle(index)

    async def _attempt(self, entries: Sequence[Entry]) -> Exception | None:
        """Write entries, or give the error that says they can never be written. Other errors are raised."""
        try:
            with trio.fail_after(ATTEMPT_SECONDS):
                if self._connection is None:
                    self._connection = await self._bridge.run(store.connect, self._options)
                await self._bridge.run(store.write, self._connection, entries)
        except (psycopg.Error, RecursionError) as error:
            if not store.is_refusal(error):
                raise
            return error
        return None

    def _drop(self, end: int) -> None:
        """Entries before number `end` are on disk or in the database. Some may have left since they were counted: what
        the database is slow to take is put on disk meanwhile, and written again from there."""
        while self._left < end and self._entries:
            self._entries.popleft()
            self._left += 1

    def _rest_if_done(self) -> None:
        journal_backlog.set(self.backlog)
        if not self.backlog:
            self._waiting = trio.Event()
            self._spooling.note_safety()

    def _refuse(self, entry: Entry, error: Exception) -> None:
        self._refused += 1
        journal_lost_total.labels("refused").inc()
        log.error(
            "the database refused an entry of the record",
            kind=type(entry).__name__,
            call_id=entry.call_id,
            sequence=getattr(entry, "sequence", None),
            error=type(error).__name__,
            sqlstate=getattr(error, "sqlstate", None),
        )

    def _note_failure(self, error: Exception) -> None:
        first = self._trouble is None
        self._failures += 1
        self._trouble = as_service_error(error, self._options)
        if first:
            log.warning("the record waits for the database", problem=str(self._trouble), entries=self.backlog)

    def _note_success(self) -> None:
        if self._trouble is not None:
            log.info("the database is back", entries=self.backlog)
        self._trouble = None
        self._full = False


@asynccontextmanager
async def open_journal(
    database_url: str, bridge: Bridge, spool: Spool | None = None, replica_url: str = ""
) -> AsyncIterator[PostgresJournal]:
    """The record in the database at `database_url`, whose schema `migrate` has made. Connects when there is something
    to write; what the spool has from before is written first. Leaving waits CLOSE_SECONDS at most for what is not
    written yet, and puts the rest into the spool, within REST_SECONDS. Raises ConfigError for a wrong URL."""
    options = connection_options(database_url)
    replica = connection_options(replica_url, "DATABASE_REPLICA_URL") if replica_url else None
    journal = PostgresJournal(options, bridge, Reader(options, bridge, replica), spool)
    try:
        async with trio.open_nursery() as nursery:
            # The writer outlives a cancelled body by the time that the last flush is given.
            working = trio.CancelScope(shield=True)
            nursery.start_soon(_work_within, working, journal)
            try:
                yield journal
            finally:
                with trio.move_on_after(CLOSE_SECONDS, shield=True):
                    await _write_the_rest(journal)
                working.cancel()
    finally:
        with trio.move_on_after(REST_SECONDS, shield=True):
            await journal.keep_the_rest()
            await journal.close_connection()


async def _work_within(working: trio.CancelScope, journal: PostgresJournal) -> None:
    with working:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(journal.run_writer)
            nursery.start_soon(journal.run_keeper)


async def _write_the_rest(journal: PostgresJournal) -> None:
    """The database may be starting again at this very moment: try until the time is over."""
    while journal.backlog:
        try:
            await journal.flush()
        except ServiceError:  # the writer has said what it is
            await trio.sleep(BACKOFF_SECONDS[0])
