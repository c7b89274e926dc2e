"""The record, and somebody who hears what it is told on this node: nothing waits, nothing is asked again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from callengine.ports.calls_wanted import ALL_CALLS, CallsWanted
from callengine.ports.journal import CallbackRequested, CallRecord, Entry, Journal

Tell = Callable[[Entry], None]


@dataclass(slots=True)
class Hearer:
    """Who hears what the record is told. What was told before somebody listens is told when they do."""

    _early: list[Entry] = field(default_factory=list)
    _listener: Tell | None = None

    def tell(self, entry: Entry) -> None:
        """Tell of an entry. Neither blocks nor raises, as the listener."""
        (self._listener or self._early.append)(entry)

    def listen(self, listener: Tell) -> None:
        """From now on `listener` is told of everything."""
        self._listener = listener
        for entry in self._early:
            listener(entry)
        self._early.clear()


@dataclass(frozen=True, slots=True)
class ToldJournal:
    """The Journal port before another one. `tell` neither blocks nor raises."""

    journal: Journal
    tell: Tell

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
