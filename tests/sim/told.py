"""A recogniser that is told what to say of each burst of speech, and how long after its end: interims and finals that
come early, late, in other words, or not at all."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from backends.stt.scripted import LIMITS, ScriptedRecognizer
from callengine.ports.recognition import Final, Interim, RecognizerEvent, RecognizerStream, StreamLimits, StreamSpec

NOTICED_SECONDS = 0.06  # behind the end of a burst: what is told sooner comes then


@dataclass(frozen=True, slots=True)
class Told:
    """A transcript of the whole burst, `after` seconds behind its end. `stability`: of an interim; None: a final."""

    after: float
    text: str
    stability: float | None = None


@dataclass(slots=True)
class ToldRecognizer:
    """The port's `Recognizer`: of the n-th burst it says what `bursts` has for it, in the order of time."""

    bursts: Sequence[Sequence[Told]]
    limits: StreamLimits = LIMITS
    inner: ScriptedRecognizer = field(
        default_factory=lambda: ScriptedRecognizer(["-"], silence_seconds=NOTICED_SECONDS, goes_on=True)
    )

    async def check(self) -> None:
        await self.inner.check()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        async with self.inner.open_stream(spec, hints) as stream:
            yield _Telling(self.bursts[self.inner.spoken :], stream)


@dataclass(slots=True)
class _Telling:
    bursts: Sequence[Sequence[Told]]
    inner: RecognizerStream
    heard: int = 0
    owed: list[tuple[float, RecognizerEvent]] = field(default_factory=list)

    async def send(self, slin: bytes) -> None:
        await self.inner.send(slin)

    async def finish(self) -> None:
        await self.inner.finish()

    async def receive(self) -> RecognizerEvent | None:
        while not self.owed:
            event = await self.inner.receive()
            if not isinstance(event, Final):
                return event
            self._owe(event)
        due, owed = self.owed.pop(0)
        await trio.sleep_until(due)
        return owed

    def _owe(self, burst: Final) -> None:
        told = self.bursts[self.heard] if self.heard < len(self.bursts) else [Told(0.0, "")]
        self.heard += 1
        ended = trio.current_time() - NOTICED_SECONDS
        for one in sorted(told, key=lambda one: one.after):
            event = (
                Final(one.text, burst.start, burst.end, 0.9)
                if one.stability is None
                else Interim(one.text, one.stability, burst.end)
            )
            self.owed.append((ended + one.after, event))
