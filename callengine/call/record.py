"""The record of one call: numbers its turns and tools, and hands them to the journal once each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from callengine import metrics
from callengine.call.checkpoint import CallbackWish as CallbackWish
from callengine.call.meter import Meter
from callengine.ports.journal import CallbackRequested, Journal, TurnRecorded
from callengine.ports.journal import ToolRecorded as ToolEntry
from callengine.ports.tools import ToolCall, ToolResult

LOST = "[…]"  # the caller's words are not known
CUT_OFF = '{"error": "cut off"}'  # a tool's: nothing was written by it, and what it found nobody used


@dataclass(frozen=True, slots=True)
class ToolAsked:
    """A tool call under way: its number in the record, and the clock's time when it was asked for."""

    call: ToolCall
    sequence: int
    started: float


@dataclass(slots=True)
class Record:
    """Writes one call's turns. A caller's turn is `held` back until its answer ends, for a late final may mend it.
    `sequence`: the number given last."""

    journal: Journal
    call_id: str
    began: float
    meter: Meter
    sequence: int = 0
    held: TurnRecorded | None = None
    wishes: list[CallbackWish] = field(default_factory=list)

    def caller(self, text: str, began: float | None, ended: float) -> None:
        """The caller's turn ended; times are the clock's."""
        self.release()
        started = began if began is not None else ended
        span = (max(0.0, started - self.began), ended - self.began)
        self.held = TurnRecorded(self.call_id, self._next(), "caller", text, *span, used=self.meter.take())

    def correct_caller(self, text: str) -> None:
        """A late final: the held turn really was `text`."""
        if self.held is not None:
            self.held = replace(self.held, text=text)

    def take_back(self) -> None:
        """The held turn goes on and will be recorded whole."""
        if self.held is not None:
            self.meter.put_back(self.held.used)
            self.held = None

    def release(self) -> None:
        """The held turn is as it will stay."""
        if self.held is not None:
            self.journal.record_nowait(self.held)
            self.held = None

    def agent(self, text: str, span: tuple[float, float], interrupted: bool, timings: Mapping[str, float]) -> None:
        """The agent's turn ended: what was heard of it, from when to when."""
        self.release()
        if text:
            times = (span[0] - self.began, span[1] - self.began)
            used = self.meter.take()
            self.journal.record_nowait(
                TurnRecorded(self.call_id, self._next(), "agent", text, *times, interrupted, dict(timings), used)
            )

    def lost(self, earlier: float, began: float, ended: float) -> None:
        """No recogniser was there for what the caller said between two times since the line began, `earlier` seconds
        after the call."""
        span, timings = (earlier + began, earlier + ended), {"lost": ended - began}
        self.journal.record_nowait(TurnRecorded(self.call_id, self._next(), "caller", LOST, *span, timings=timings))

    def tool_asked(self, call: ToolCall, started: float) -> ToolAsked:
        """A tool is asked for: it has its place in the order of things now, and is written once it is over."""
        return ToolAsked(call, self._next(), started)

    def tool_ended(self, asked: ToolAsked, result: ToolResult | None, ended: float) -> None:
        """What came of it; None: the caller went on or hung up before a read was answered or a write sent."""
        call, seconds = asked.call, ended - asked.started
        label = "cut_off" if result is None else "error" if result.is_error else "ok"
        metrics.tool_calls_total.labels(call.name, label).inc()
        metrics.stage_seconds.labels("tool").observe(seconds)
        self.journal.record_nowait(
            ToolEntry(
                self.call_id,
                asked.sequence,
                call.name,
                dict(call.arguments),
                CUT_OFF if result is None else result.content,
                result is None or result.is_error,
                asked.started - self.began,
                seconds,
            )
        )

    def callback(self, wish: CallbackWish, sequence: int | None = None) -> None:
        """Somebody is to be called back; said again it is noted once. `sequence`: of the tool call that asks for it."""
        if wish in self.wishes:
            return
        self.wishes.append(wish)
        metrics.callbacks_total.inc()
        self.journal.record_nowait(
            CallbackRequested(
                self.call_id,
                self._next() if sequence is None else sequence,
                datetime.now(UTC),
                wish.number,
                wish.name,
                wish.about,
                wish.when,
            )
        )

    def _next(self) -> int:
        self.sequence += 1
        return self.sequence
