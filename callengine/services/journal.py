"""The record in PostgreSQL, written behind: taking an entry costs a list append, whatever the database is doing."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import islice
from typing import TypeVar

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

T = TypeVar("T")

# About an hour of 200 busy calls, some 100 MB: what is beyond it is counted, never what was taken before.
MAX_ENTRIES = 100_000
# A transaction's worth: formatting it must stay within one 5 ms step of the loop.
BATCH_ENTRIES = 50
# Entries of a moment share a transaction.
GATHER_SECONDS = 0.1
ATTEMPT_SECONDS = 10.0
READ_SECONDS = 5.0
BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
CLOSE_SECONDS = 5.0
MAX_READS = 4

log = structlog.get_logger(__name__)


class PostgresJournal:
    """The Journal port. Entries leave `_entries` only when the database has them (or has refused them for good)."""

    def __init__(self, options: dict[str, str], bridge: Bridge) -> None:
        self._options = options
        self._bridge = bridge
        self._entries: deque[Entry] = deque()
        self._taken = self._settled = self._refused = self._failures = 0
        self._full = False
        self._trouble: ServiceError | None = None
        self._connection: psycopg.AsyncConnection | None = None
        self._waiting = trio.Event()  # there is something to write
        self._hurry = trio.Event()  # somebody waits for it: do not gather, do not back off
        self._attempted = trio.Event()  # replaced after every attempt
        self._reads = trio.CapacityLimiter(MAX_READS)

    @property
    def backlog(self) -> int:
        """Entries not in the database yet."""
        return len(self._entries)

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
        journal_backlog.set(len(self._entries))
        self._waiting.set()

    async def flush(self) -> None:
        """Wait until every entry taken so far is in the database.

        Raises ServiceError when an attempt to write fails meanwhile, or the database refuses an entry for good.
        """
        target, refused, failures = self._taken, self._refused, self._failures
        while self._settled < target:
            self._hurry.set()
            await self._attempted.wait()
            if self._failures > failures:
                raise self._trouble or ServiceError("database: not written")
        if self._refused > refused:
            raise ServiceError(f"database: refused {self._refused - refused} entries of the record")

    async def check(self) -> None:
        """Raise ServiceError when the database cannot be reached, or has no schema."""
        await self._read(store.ping)

    async def call(self, call_id: str) -> CallRecord | None:
        """One call with its turns and tools, or None. Raises ServiceError."""
        return await self._read(store.read_call, call_id)

    async def calls(self, limit: int, wanted: CallsWanted = ALL_CALLS) -> Sequence[CallRecord]:
        """The newest calls first, without turns and tools; those that are wanted. Raises ServiceError."""
        return await self._read(store.read_calls, limit, wanted)

    async def callbacks(self, limit: int, before: datetime | None = None) -> Sequence[CallbackRequested]:
        """The newest requests to be called back first; those made before `before`. Raises ServiceError."""
        return await self._read(store.read_callbacks, limit, before)

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

    async def _write_some(self) -> None:
        """Write one batch; a batch that the database refuses is written entry by entry, to find the one at fault."""
        batch = list(islice(self._entries, BATCH_ENTRIES))
        refusal = await self._attempt(batch)
        if refusal is None:
            self._settle(len(batch))
            return
        for entry in batch:
            refusal = await self._attempt([entry])
            if refusal is not None:
                self._refuse(entry, refusal)
            self._settle(1)

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

    def _settle(self, count: int) -> None:
        for _ in range(count):
            self._entries.popleft()
        self._settled += count
        journal_backlog.set(len(self._entries))
        if not self._entries:
            self._waiting = trio.Event()

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

    async def _read(self, afn: Callable[..., Awaitable[T]], *args: object) -> T:
        try:
            with trio.fail_after(READ_SECONDS):
                async with self._reads:
                    return await self._bridge.run(afn, self._options, *args)
        except (psycopg.Error, OSError, trio.TooSlowError) as error:
            raise as_service_error(error, self._options) from error


@asynccontextmanager
async def open_journal(database_url: str, bridge: Bridge) -> AsyncIterator[PostgresJournal]:
    """The record in the database at `database_url`, whose schema `migrate` has made. Connects when there is something
    to write. Leaving waits CLOSE_SECONDS at most for what is not written yet. Raises ConfigError for a wrong URL."""
    journal = PostgresJournal(connection_options(database_url), bridge)
    try:
        async with trio.open_nursery() as nursery:
            # The writer outlives a cancelled body by the time that the last flush is given.
            writing = trio.CancelScope(shield=True)
            nursery.start_soon(_write_within, writing, journal)
            try:
                yield journal
            finally:
                with trio.move_on_after(CLOSE_SECONDS, shield=True):
                    await _write_the_rest(journal)
                writing.cancel()
                if journal.backlog:
                    log.error("the record ends with entries not written", entries=journal.backlog)
    finally:
        with trio.move_on_after(CLOSE_SECONDS, shield=True):
            await journal.close_connection()


async def _write_within(writing: trio.CancelScope, journal: PostgresJournal) -> None:
    with writing:
        await journal.run_writer()


async def _write_the_rest(journal: PostgresJournal) -> None:
    """The database may be starting again at this very moment: try until the time is over."""
    while journal.backlog:
        try:
            await journal.flush()
        except ServiceError:  # the writer has said what it is
            await trio.sleep(BACKOFF_SECONDS[0])
