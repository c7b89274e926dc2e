"""The spool as Trio sees it: one file operation at a time, in a thread; a disk that fails or hangs is said once, and no
call notices. Without a spool nothing is kept, and what waits for the database waits in memory."""

import errno
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
import trio

from callengine.metrics import journal_spool_bytes, journal_spool_errors_total
from callengine.ports.journal import Entry
from callengine.services.spool import Spool

HANGS_SECONDS = 5.0  # a file operation that takes longer is left to its thread, and the record goes on without the disk

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Operation:
    """What a thread does to the spool: nobody else touches it until `over`. `found`: entries that it has read; `said`:
    the log has that it hangs."""

    do: Callable[[], Sequence[Entry] | None]
    found: Sequence[Entry] = ()
    over: bool = False
    said: bool = False

    def run(self) -> None:
        try:
            self.found = self.do() or ()
        finally:
            self.over = True


class Spooling:
    """`next_ones`: the oldest entries of the spool, read and not yet in the database; `failed`: since the disk failed,
    entries are in memory alone."""

    def __init__(self, spool: Spool | None) -> None:
        self._spool = spool
        self._one_at_a_time = trio.Lock()
        self._begun: _Operation | None = None
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
        spool = self._spool
        if spool is None:
            return False
        try:
            await self._in_thread(_Operation(lambda: spool.append(entries)))
        except OSError as error:
            self._note_failure(error)
            return False
        return True

    async def read_on(self, limit: int) -> bool:
        """All of `next_ones` are in the database: read those that follow, if any do. False where the disk hangs on
        them: nothing younger is to be written before."""
        while not await self._read(limit):
            """One file could not be removed: it is done with, the next one is asked for."""
        return bool(self.next_ones) or not self._pending

    def note_safety(self) -> None:
        """No entry is in memory alone: all are on disk or in the database."""
        if self.failed:
            log.info("no entry of the record is in memory alone any more")
        self.failed = False

    async def _read(self, limit: int) -> bool:
        spool = self._spool
        if spool is None:
            return True
        try:
            await self._in_thread(_Operation(lambda: spool.next(limit)))
        except TimeoutError as error:
            self._note_failure(error)
        except OSError as error:
            self._note_failure(error)
            return False
        return True

    async def _in_thread(self, operation: _Operation) -> None:
        """The backlog changes in the step of the loop in which the answer is there, never before. Raises OSError;
        TimeoutError where the disk does not answer: what was begun then may still come to its end, and is taken up by
        whoever asks next."""
        async with self._one_at_a_time:
            if self._begun is not None and not self._begun.over:  # the disk hangs
                raise _timed_out()
            self._take_up(self._begun)
            self._begun = operation
            with trio.move_on_after(HANGS_SECONDS, shield=True) as patience:
                try:
                    await trio.to_thread.run_sync(operation.run, abandon_on_cancel=True)
                finally:
                    if operation.over:
                        self._take_up(operation)
            if patience.cancelled_caught:
                raise _timed_out()

    def _take_up(self, operation: _Operation | None) -> None:
        """An operation has come to its end: the spool is as it left it."""
        if operation is None or self._spool is None:
            return
        self._begun = None
        self.next_ones.extend(operation.found)
        self._pending = self._spool.pending
        self._show_size()

    def _note_failure(self, error: OSError) -> None:
        journal_spool_errors_total.inc()
        if not self.failed and not (self._begun and self._begun.said):
            log.error("the record cannot be kept on disk: it stays in memory", problem=error.strerror)
        if self._begun:
            self._begun.said = True
        self.failed = True

    def _show_size(self) -> None:
        journal_spool_bytes.set(self._spool.size if self._spool is not None else 0)


def _timed_out() -> OSError:
    return OSError(errno.ETIMEDOUT, "the disk does not answer")
