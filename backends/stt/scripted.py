"""A recogniser for simulations and benchmarks: it hears when somebody speaks, and knows beforehand what they say.

Every burst of sound in the audio it is sent becomes the next text of its script, with true positions. No thread, no
I/O: it runs in virtual time.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import trio

from callengine.errors import RecognizerError
from callengine.ports.bridge import Bridge
from callengine.ports.recognition import (
    Final,
    Interim,
    RecognizerEvent,
    RecognizerStream,
    SpeechEnded,
    SpeechStarted,
    StreamLimits,
    StreamSpec,
)

DEFAULT_SCRIPTS = {
    "ru": ("Здравствуйте, есть зимние шины 205 55 16?", "А сколько стоят?", "Спасибо, до свидания."),
    "en": ("Hello, do you have winter tyres 205 55 16?", "How much are they?", "Thank you, goodbye."),
}
LIMITS = StreamLimits(
    max_seconds=None, idle_seconds=None, max_chunk_bytes=15360, bills_silence=False, product="scripted"
)
_MOST_EVENTS = 1024
_WINDOW_SECONDS = 0.02
_LOUD = 300  # an amplitude over -41 dBFS is sound


@dataclass(slots=True)
class ScriptedRecognizer:
    """The port's `Recognizer`: the n-th burst of sound is the n-th of `texts`, then from the first again.

    `silence_seconds` of quiet end a burst, its final is `final_delay_seconds` late. `interim_every_seconds`: 0 gives
    no interims. `fail_after`: seconds of audio before a stream breaks. `limits`: what streams bear. `goes_on`: a
    new stream continues where the last one stopped; else each begins with the first text."""

    texts: Sequence[str]
    silence_seconds: float = 0.4
    final_delay_seconds: float = 0.0
    interim_every_seconds: float = 0.0
    fail_after: float | None = None
    limits: StreamLimits = LIMITS
    goes_on: bool = False
    spoken: int = field(default=0, init=False)

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        await trio.lowlevel.checkpoint()
        first = self.spoken if self.goes_on else 0
        stream = _ScriptedStream(self, spec.rate, first)
        try:
            yield stream
        finally:
            self.spoken = first + stream.finals


class _ScriptedStream:
    def __init__(self, script: ScriptedRecognizer, rate: int, first: int) -> None:
        self._script = script
        self._rate = rate
        self._window = round(rate * _WINDOW_SECONDS)
        self._first = first
        self._send, self._events = trio.open_memory_channel[tuple[float, RecognizerEvent]](_MOST_EVENTS)
        self._rest = b""
        self._position = 0
        self._burst: int | None = None
        self._loud_until = 0
        self._interims = 0
        self._broken: RecognizerError | None = None
        self.finals = 0

    async def send(self, slin: bytes) -> None:
        await trio.lowlevel.checkpoint()
        if len(slin) > self._script.limits.max_chunk_bytes:
            raise RecognizerError(f"scripted recogniser: a chunk of {len(slin)} bytes is too large", retryable=False)
        if self._broken is not None:
            raise self._broken
        self._rest += slin
        size = 2 * self._window
        if self._burst is None:
            self._pass_over_silence(size)
        while len(self._rest) >= size and self._broken is None:
            window, self._rest = self._rest[:size], self._rest[size:]
            self._hear(window)

    async def finish(self) -> None:
        await trio.lowlevel.checkpoint()
        if self._burst is not None:
            self._end_burst()
        self._send.close()

    async def receive(self) -> RecognizerEvent | None:
        try:
            due, event = await self._events.receive()
        except trio.EndOfChannel:
            if self._broken is not None:
                raise self._broken from None
            return None
        await trio.sleep_until(due)
        return event

    def _pass_over_silence(self, size: int) -> None:
        """Nothing but silence between two bursts: one look at all of it (a bench holds hundreds of silent calls)."""
        whole = len(self._rest) - len(self._rest) % size
        if whole and _loudest(self._rest[:whole]) <= _LOUD:
            self._rest = self._rest[whole:]
            self._position += whole // 2
            self._maybe_break()

    def _hear(self, window: bytes) -> None:
        loud = _loudest(window) > _LOUD
        start, self._position = self._position, self._position + self._window
        if loud:
            self._loud_until = self._position
            if self._burst is None:
                self._burst, self._interims = start, 0
                self._emit(SpeechStarted(start))
            self._maybe_interim(self._burst)
        elif (
            self._burst is not None and self._seconds(self._position - self._loud_until) >= self._script.silence_seconds
        ):
            self._end_burst()
        self._maybe_break()

    def _end_burst(self) -> None:
        assert self._burst is not None
        self._emit(SpeechEnded(self._loud_until))
        final = Final(self._text(), self._burst, self._loud_until, 0.9)
        self._emit(final, self._script.final_delay_seconds)
        self.finals += 1
        self._burst = None

    def _maybe_interim(self, burst: int) -> None:
        every = self._script.interim_every_seconds
        if every and self._seconds(self._position - burst) >= every * (self._interims + 1):
            self._interims += 1
            words = self._text().split()
            self._emit(Interim(" ".join(words[: self._interims]), min(0.9, 0.3 * self._interims), self._position))

    def _maybe_break(self) -> None:
        heard = self._seconds(self._position)
        longest, fails = self._script.limits.max_seconds, self._script.fail_after
        if longest is not None and heard > longest:
            self._break("scripted recogniser: the stream's longest duration is reached")
        elif fails is not None and heard > fails:
            self._break("scripted recogniser: breaks as its script says")

    def _break(self, problem: str) -> None:
        self._broken = RecognizerError(problem, retryable=True)
        self._send.close()

    def _emit(self, event: RecognizerEvent, delay_seconds: float = 0.0) -> None:
        try:
            self._send.send_nowait((trio.current_time() + delay_seconds, event))
        except trio.WouldBlock:
            self._break("scripted recogniser: nobody receives its events")

    def _text(self) -> str:
        texts = self._script.texts
        return texts[(self._first + self.finals) % len(texts)] if texts else ""

    def _seconds(self, samples: int) -> float:
        return samples / self._rate


def _loudest(slin: bytes) -> int:
    samples = np.frombuffer(slin, dtype="<i2")
    return max(int(samples.max()), -int(samples.min()))


@asynccontextmanager
async def open_recognizer(settings: Any, bridge: Bridge | None) -> AsyncIterator[ScriptedRecognizer]:
    """The entry point `scripted`: the default script of the call's language, finals at once."""
    await trio.lowlevel.checkpoint()
    language = str(settings.call_language).split("-")[0]
    yield ScriptedRecognizer(DEFAULT_SCRIPTS.get(language, DEFAULT_SCRIPTS["en"]))
