"""The spool as Trio sees it: one file operation at a time, in a thread; a disk that fails is said once, and no call
notices. Without a spool nothing is kept, and what waits for the database waits in memory."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
import trio

from callengine.metrics import journal_spool_bytes, journal_spool_errors_total
from callengine.ports.journal import Entry
from callengine.services.spool import Spool

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Spooling:
    """`next_ones`: the oldest entries of the spool, read and not yet in the database; `failed`: since the disk failed,
    entries are in memory alone."""

    def __init__(self, spool: Spool | None) -> None:
        self._spool = spool
        self._one_at_a_time = trio.Lock()
        self._pending = spool.pending if spool is not None else 0
        self.next_ones: deque[Entry] = deque()
        self.failed = False
        self._show_size()

    @property
    def backlog(self) -> int:
        """Entries on disk that are not in the database yet."""
        return self._pending + len(self.next_ones)

    async def keep(self, entries: Sequence[Entry]) -> bool:
        """Write entries to disk; whether they are there. Counted in the backlog before this returns."""
        if self._spool is None:
            return False
        try:
            async with self._one_at_a_time:
                await self._in_thread(self._spool.append, entries)
        except OSError as error:
            self._note_failure(error)
            return False
        return True

    async def read_on(self, limit: int) -> None:
        """All of `next_ones` are in the database: read those that follow, if any do."""
        while not await self._read(limit):
            """One file could not be removed: it is done with, the next one is asked for."""

    def note_safety(self) -> None:
        """No entry is in memory alone: all are on disk or in the database."""
        if self.failed:
            log.info("no entry of the record is in memory alone any more")
        self.failed = False

    async def _read(self, limit: int) -> bool:
        if self._spool is None:
            return True
        try:
            async with self._one_at_a_time:
                self.next_ones.extend(await self._in_thread(self._spool.next, limit))
        except OSError as error:
            self._note_failure(error)
            return False
        return True

    async def _in_thread(self, fn: Callable[..., T], *args: object) -> T:
        """The backlog changes in the step of the loop in which the answer is there, never before."""
        assert self._spool is not None
        try:
            return await trio.to_thread.run_sync(fn, *args)
        finally:
            self._pending = self._spool.pending
            self._show_size()

    def _note_failure(self, error: OSError) -> None:
        journal_spool_errors_total.inc()
        if not self.failed:
            log.error("the record cannot be kept on disk: it stays in memory", problem=error.strerror)
        self.failed = True

    def _show_size(self) -> None:
        journal_spool_bytes.set(self._spool.size if self._spool is not None else 0)
