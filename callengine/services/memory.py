"""The record and the registry in memory, for simulations: no I/O, no tasks, faults by assignment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import trio

from callengine.errors import ServiceError
from callengine.ports.calls_wanted import ALL_CALLS, CallsWanted
from callengine.ports.journal import (
    CallbackRequested,
    CallClosed,
    CallerFound,
    CallOpened,
    CallRecord,
    Entry,
    RecordingKept,
    ToolRecorded,
    TurnRecorded,
)
from callengine.ports.registry import Claim, LiveCall
from callengine.ports.synthesis import SpeechChunk
from callengine.ports.tools import CallerContext
from callengine.services.journal_numbers import BESIDE, Numbered, moment_of
from callengine.services.wanted_calls import is_wanted

CALLER_SECONDS = 60.0


class MemoryJournal:
    """The Journal port over a list. `fault`: what reading and flushing raise; what is taken meanwhile is backlog."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.fault: ServiceError | None = None
        self.spool_failed = False
        self._written = 0
        self._numbers: dict[tuple[type, str, int], float | datetime] = {}

    @property
    def backlog(self) -> int:
        """Entries taken since the fault began."""
        if self.fault is None:
            self._written = len(self.entries)
        return len(self.entries) - self._written

    def record_nowait(self, entry: Entry) -> None:
        """Take an entry. One that was taken before changes nothing, as in the database."""
        match entry:
            case CallOpened():
                self._open(entry)
            case TurnRecorded() | ToolRecorded() | CallbackRequested():
                self._number(entry)
            case CallClosed() | CallerFound() | RecordingKept():
                self.entries.append(entry)

    def _open(self, entry: CallOpened) -> None:
        for place, known in enumerate(self.entries):
            if isinstance(known, CallOpened) and known.call_id == entry.call_id:
                if entry.opened_at < known.opened_at:
                    self.entries[place] = replace(known, node=entry.node, opened_at=entry.opened_at)
                return
        self.entries.append(entry)

    def _number(self, entry: Numbered) -> None:
        moment, kind = moment_of(entry), type(entry)
        while (taken := self._numbers.get((kind, entry.call_id, entry.sequence))) is not None:
            if taken == moment:
                return
            entry = replace(entry, sequence=entry.sequence + BESIDE)
        self._numbers[kind, entry.call_id, entry.sequence] = moment
        self.entries.append(entry)

    async def flush(self) -> None:
        """Raises the fault, if there is one and something waits."""
        await trio.lowlevel.checkpoint()
        if self.backlog and self.fault is not None:
            raise self.fault

    async def check(self) -> None:
        """Raises the fault, if there is one."""
        await trio.lowlevel.checkpoint()
        if self.fault is not None:
            raise self.fault

    async def call(self, call_id: str) -> CallRecord | None:
        """One call with its turns and tools, or None."""
        await self.check()
        mine = [entry for entry in self.entries if entry.call_id == call_id]
        opened = next((entry for entry in mine if isinstance(entry, CallOpened)), None)
        if opened is None:
            return None
        opened = self._with_caller(opened)
        turns = sorted((entry for entry in mine if isinstance(entry, TurnRecorded)), key=lambda turn: turn.sequence)
        tools = sorted((entry for entry in mine if isinstance(entry, ToolRecorded)), key=lambda tool: tool.sequence)
        callbacks = sorted(
            (entry for entry in mine if isinstance(entry, CallbackRequested)), key=lambda wish: wish.sequence
        )
        recordings = {entry.file: entry for entry in mine if isinstance(entry, RecordingKept)}  # the last word on each
        kept = sorted(recordings.values(), key=lambda entry: (entry.began, entry.file))
        return CallRecord(opened, self._end_of(call_id), tuple(turns), tuple(tools), tuple(callbacks), tuple(kept))

    async def calls(self, limit: int, wanted: CallsWanted = ALL_CALLS) -> Sequence[CallRecord]:
        """The newest calls first, without turns and tools; those that are wanted."""
        await self.check()
        opened = (entry for entry in self.entries if isinstance(entry, CallOpened))
        every = [CallRecord(self._with_caller(entry), self._end_of(entry.call_id)) for entry in opened]
        every.sort(key=lambda record: (record.opened.opened_at, record.opened.call_id), reverse=True)
        return [record for record in every if is_wanted(record, wanted)][:limit]

    async def callbacks(self, limit: int, before: datetime | None = None) -> Sequence[CallbackRequested]:
        """The newest requests to be called back first, of all calls."""
        await self.check()
        every = [entry for entry in self.entries if isinstance(entry, CallbackRequested)]
        wanted = [entry for entry in every if before is None or entry.requested_at < before]
        wanted.sort(key=lambda entry: (entry.requested_at, entry.call_id, entry.sequence), reverse=True)
        return wanted[:limit]

    def _with_caller(self, opened: CallOpened) -> CallOpened:
        for entry in self.entries:
            if isinstance(entry, CallerFound) and entry.call_id == opened.call_id:
                opened = replace(
                    opened, number=entry.number, name=entry.name, called=entry.called, channel=entry.channel
                )
        return opened

    def _end_of(self, call_id: str) -> CallClosed | None:
        last: CallClosed | None = None
        for entry in self.entries:
            if isinstance(entry, CallClosed) and entry.call_id == call_id:
                last = entry if last is None or entry.closed_at >= last.closed_at else last
        return last


class MemoryRegistry:
    """The Registry port over two dictionaries; several nodes of a simulation may share one. `fault`: what it raises."""

    def __init__(self) -> None:
        self.fault: ServiceError | None = None
        self._calls: dict[str, LiveCall] = {}
        self._callers: dict[str, tuple[float, CallerContext]] = {}
        self._claims: dict[str, Claim] = {}
        self.checkpoints: dict[str, str] = {}
        self.outcomes: dict[str, str] = {}

    def call_up_nowait(self, call: LiveCall) -> None:
        """Say that a call is up."""
        self._calls[call.call_id] = call

    def call_down_nowait(self, call_id: str) -> None:
        """Say that a call is over."""
        self._calls.pop(call_id, None)

    async def live_calls(self) -> Sequence[LiveCall]:
        """Calls that are up, oldest first."""
        await self.check()
        return sorted(self._calls.values(), key=lambda call: (call.since, call.call_id))

    async def put_caller(self, caller: CallerContext) -> None:
        """Keep what the dialplan knows of a call for 60 s."""
        await self.check()
        self._callers[caller.call_id] = (trio.current_time() + CALLER_SECONDS, caller)

    async def take_caller(self, call_id: str) -> CallerContext | None:
        """What was put for this call, if anything; once."""
        await self.check()
        until, caller = self._callers.pop(call_id, (0.0, None))
        return caller if trio.current_time() < until else None

    async def claim(self, call_id: str) -> Claim:
        """Take a call, from whoever has it."""
        await trio.lowlevel.checkpoint()
        before = self._claims.get(call_id)
        if before is not None:
            before.lost.set()
        self.outcomes.pop(call_id, None)
        epoch = 1 if before is None else before.epoch + 1
        self._claims[call_id] = claim = Claim(call_id, epoch, self.checkpoints.get(call_id, ""), epoch == 1)
        return claim

    def checkpoint_nowait(self, claim: Claim, text: str) -> None:
        """Keep how far a call is."""
        if not claim.lost.is_set():
            self.checkpoints[claim.call_id] = text

    def outcome_nowait(self, claim: Claim, word: str) -> None:
        """Keep the dialplan's word for a call."""
        if not claim.lost.is_set():
            self.outcomes[claim.call_id] = word

    def release_nowait(self, claim: Claim) -> None:
        """The connection is over: what was said of it stays."""

    async def outcome(self, call_id: str) -> str:
        """The word for a call."""
        await self.check()
        return self.outcomes.get(call_id, "")

    async def publish(self) -> None:
        """All is known at once. Raises the fault, if there is one."""
        await self.check()

    async def check(self) -> None:
        """Raises the fault, if there is one."""
        await trio.lowlevel.checkpoint()
        if self.fault is not None:
            raise self.fault


class MemorySpeeches:
    """The SpeechStore port over a dictionary. `away`: it has nothing and takes nothing."""

    def __init__(self) -> None:
        self.speeches: dict[str, SpeechChunk] = {}
        self.away = False

    async def get(self, key: str) -> SpeechChunk | None:
        """The speech under a key."""
        await trio.lowlevel.checkpoint()
        return None if self.away else self.speeches.get(key)

    def put_nowait(self, key: str, speech: SpeechChunk) -> None:
        """Keep a speech, at once."""
        if not self.away:
            self.speeches[key] = speech
