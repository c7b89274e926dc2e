"""The record, and somebody who hears what it is told on this node: nothing waits, nothing is asked again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from callengine.ports.calls_wanted import ALL_CALLS, CallsWanted
from callengine.ports.journal import CallbackRequested, CallRecord, Entry, Journal


@dataclass(frozen=True, slots=True)
class ToldJournal:
    """The Journal port before another one. `tell` neither blocks nor raises."""

    journal: Journal
    tell: Callable[[Entry], None]

    @property
    def backlog(self) -> int:
        """Entries not in the database yet."""
        return self.journal.backlog

    @property
    def spool_failed(self) -> bool:
        """As the journal behind."""
        return self.journal.spool_failed

    def record_nowait(self, entry: Entry) -> None:
        """Take an entry, and tell of it."""
        self.journal.record_nowait(entry)
        self.tell(entry)

    async def flush(self) -> None:
        """As the journal behind."""
        await self.journal.flush()

    async def check(self) -> None:
        """As the journal behind."""
        await self.journal.check()

    async def call(self, call_id: str) -> CallRecord | None:
        """As the journal behind."""
        return await self.journal.call(call_id)

    async def calls(self, limit: int, wanted: CallsWanted = ALL_CALLS) -> Sequence[CallRecord]:
        """As the journal behind."""
        return await self.journal.calls(limit, wanted)

    async def callbacks(self, limit: int, before: datetime | None = None) -> Sequence[CallbackRequested]:
        """As the journal behind."""
        return await self.journal.callbacks(limit, before)
