"""The recognisers of a process, and what a call does when a stream on one has ended: wait, stay, move or give up."""

from dataclasses import dataclass, field
from typing import Literal

import structlog

from callengine import metrics
from callengine.call.entrance import Entrance, Entrances
from callengine.call.failover import CHOSEN, Failover
from callengine.errors import RecognizerError
from callengine.media.audio import RATE
from callengine.ports.recognition import Recognizer

RETRY_SECONDS = (0.0, 0.2, 0.5, 1.0)  # about; with each recogniser; the last again and again, until a call gives up
LASTING_SECONDS = 3.0  # a stream that broke sooner may have said something, and the next one waits all the same
AWAY_SECONDS = 20.0  # that is when no stream has shown life for so long; the ring keeps 60 s

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sources:
    """The chosen recogniser, and after it the one that takes over, if there is one; shared by all calls.

    `gate`: silence is not streamed to a recogniser that bills it. `away_seconds`: for so long a call outlives their
    absence."""

    recognizers: tuple[Recognizer, ...]
    failover: Failover = field(default_factory=Failover)
    gate: bool = False
    away_seconds: float = AWAY_SECONDS
    entrances: Entrances = field(default_factory=Entrances)

    def entrance(self, at: int) -> Entrance:
        """Where the streams of a recogniser line up."""
        return self.entrances.both[at]

    def elsewhere(self, at: int) -> bool:
        """Who waits for this recogniser had better go to the other one: this one has failed, and that one has not."""
        circuits = self.failover.circuits
        return len(self.recognizers) > 1 and circuits[at].open and not circuits[1 - at].open

    @property
    def fallback_carries(self) -> bool:
        """Streams have failed on the chosen recogniser, and those opened now go to the other one."""
        return len(self.recognizers) > 1 and self.failover.circuits[CHOSEN].open

    def first(self, now: float) -> int:
        """The recogniser for a call's first stream."""
        return self.failover.pick(now) if len(self.recognizers) > 1 else CHOSEN

    def held_back(self, at: int) -> float | None:
        """Samples of silence that may be held back from a recogniser; None when it is to have all."""
        limits = self.recognizers[at].limits
        if not (self.gate and limits.bills_silence):
            return None
        return float("inf") if limits.idle_seconds is None else limits.idle_seconds * RATE

    def forgive(self, at: int) -> None:
        """A recogniser shows life."""
        if self.failover.circuits[at].succeed():
            log.info("recognizer_back", source=_name(at))

    def blame(self, at: int, problem: str, now: float, for_good: bool) -> None:
        """A recogniser has failed a stream. Told once an incident, not once a call."""
        self.entrance(at).narrow()
        circuit = self.failover.circuits[at]
        if circuit.fail(now, for_good):
            log.warning("recognizer_failed", source=_name(at), problem=problem)


@dataclass(frozen=True, slots=True)
class Over:
    """Why a stream is over. `alive`: it had shown life. `lasted`: for a while, LASTING_SECONDS. Of a hang: `sure` that
    there were words, it is not the first `again`."""

    reason: Literal["rotation", "ended", "broken", "hung"]
    error: RecognizerError | None
    alive: bool
    sure: bool = False
    again: bool = False
    lasted: bool = False


class Retries:
    """One call's patience with its recognisers."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._count = len(sources.recognizers)
        self._failures = 0  # streams in a row that showed no life
        self._since = 0.0  # when the first of them failed
        self._brief = 0  # streams in a row that broke or ended soon, whether they showed life or not
        self._refused: dict[int, RecognizerError] = {}

    def after(self, at: int, over: Over, now: float) -> tuple[int, float]:
        """The recogniser for the next stream, and the seconds to wait before it. Raises RecognizerError: give up."""
        fault = over.reason == "broken" or over.sure or over.again
        if over.alive:
            self._failures = 0
        if over.lasted:
            self._brief = 0
        if fault:
            self._note(at, over, now)
        wait = 0.0
        if over.reason in ("broken", "ended"):
            if not self._failures:
                self._since = now
            if now - self._since >= self._sources.away_seconds and self._failures:
                raise over.error or RecognizerError("the recogniser ends every stream at once", retryable=True)
            wait = self._sources.entrances.spread(
                RETRY_SECONDS[min(self._brief // self._count, len(RETRY_SECONDS) - 1)]
            )
            self._failures += 1
            self._brief += 1
        if over.reason == "hung" and not fault:
            return at, 0.0
        return self._next(at, fault, now), wait

    def without_since(self, now: float) -> float:
        """Since when the call has been without a stream that works."""
        return self._since if self._failures else now

    def _note(self, at: int, over: Over, now: float) -> None:
        for_good = over.error is not None and not over.error.retryable
        if over.error is not None and for_good:
            self._refused[at] = over.error
            if len(self._refused) == self._count:
                raise over.error
        if over.reason == "broken" or over.sure:  # else it may have been a noise that has no words
            self._sources.blame(at, str(over.error or "says nothing"), now, for_good)

    def _next(self, at: int, fault: bool, now: float) -> int:
        if self._count == 1:
            return CHOSEN
        following = self._sources.failover.pick(now, at if fault else None)
        if following in self._refused:
            following = 1 - following
        if fault and following != at:
            metrics.stt_failovers_total.inc()
        return following


def _name(at: int) -> str:
    return "STT_BACKEND" if at == CHOSEN else "STT_FALLBACK"
