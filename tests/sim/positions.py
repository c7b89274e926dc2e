"""Audio whose every sample says where in the call it lies, and a recogniser that says which samples a final covers.

So a test can tell what was skipped and what came twice without the engine's arithmetic. No sound is detected in such
audio: the play says when somebody speaks, to the leg and to the recogniser alike."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import trio

from callengine.errors import RecognizerError
from callengine.media.audio import RATE
from callengine.ports.recognition import (
    Final,
    Interim,
    RecognizerEvent,
    RecognizerStream,
    SpeechStarted,
    StreamLimits,
    StreamSpec,
)

Span = tuple[int, int]
HALF = 1 << 15
PAUSE = RATE * 2 // 5  # of silence, by which the recogniser knows an end
INTERIM_EVERY = RATE // 2
LIMITS = StreamLimits(max_seconds=None, idle_seconds=10.0, max_chunk_bytes=15360, bills_silence=False)


def coded(begin: int, end: int) -> bytes:
    """The call's samples from `begin` to `end`: the even ones hold the high part of their place, the odd ones the low
    part and a sign."""
    places = np.arange(begin, end)
    return np.where(places % 2 == 0, places // HALF, -1 - places % HALF).astype("<i2").tobytes()


def span_of(slin: bytes) -> Span:
    """Where a chunk lies. Asserts that it is in one piece."""
    first, second = map(int, np.frombuffer(slin[:4], dtype="<i2"))
    if first >= 0:
        begin = first * HALF - 1 - second - 1
    else:  # it begins with an odd place, the last of its high part or not
        begin = second * HALF - 1 - first - (HALF if -1 - first == HALF - 1 else 0)
    span = (begin, begin + len(slin) // 2)
    assert coded(*span) == slin, "samples are missing or out of order within a chunk"
    return span


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one stream, after so many samples of it: `breaks`, `ends` by itself, `hangs` (takes audio and
    says nothing more), `stuck` (takes no more audio), `refuses` to open; or nothing."""

    kind: str = "lives"
    after: float = math.inf


@dataclass
class PlacingRecognizer:
    """The port's `Recognizer`: one final for each of the `speech` spans, its text the places of the samples it was made
    of; a span cut by a half-close is forced out as a final. Streams meet their `fates` in order, then all live."""

    speech: Sequence[Span]
    fates: list[Fate] = field(default_factory=list)
    limits: StreamLimits = LIMITS
    delay_seconds: float = 0.2
    cut: float = math.inf  # samples of speech without a pause that get a final all the same
    streams: list["PlacingStream"] = field(default_factory=list)
    tries: int = 0

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        await trio.lowlevel.checkpoint()
        fate = self.fates[self.tries] if self.tries < len(self.fates) else Fate()
        self.tries += 1
        if fate.kind == "refuses":
            raise RecognizerError("refuses as its script says", retryable=True)
        stream = PlacingStream(self, fate)
        self.streams.append(stream)
        yield stream


class PlacingStream:
    """One of its streams. `runs`: where the samples lie that it was sent."""

    def __init__(self, recognizer: PlacingRecognizer, fate: Fate) -> None:
        self._recognizer = recognizer
        self._fate = fate
        self._opened = trio.current_time()
        self._send, self._events = trio.open_memory_channel[tuple[float, RecognizerEvent]](math.inf)
        self._said = 0  # what this stream has said a final of
        self._started: set[int] = set()
        self._interim = 0
        self._error: RecognizerError | None = None
        self._over = False
        self.length = 0
        self.runs: list[Span] = []
        self.sent_at: list[float] = []

    async def send(self, slin: bytes) -> None:
        await trio.lowlevel.checkpoint()
        assert len(slin) <= self._recognizer.limits.max_chunk_bytes
        self._check_idle()
        if self._error is not None:
            raise self._error
        if self._fate.kind == "stuck" and self.length >= self._fate.after:
            await trio.sleep_forever()
        if not self._over:
            self.sent_at.append(trio.current_time())
            self._take(span_of(slin))
            self._hear()
            self._meet_fate()

    async def finish(self) -> None:
        await trio.lowlevel.checkpoint()
        if self._over or self._silent:
            return
        for span in self._recognizer.speech:
            self._emit_final(span, forced=True)
        self._over = True
        self._send.close()

    async def receive(self) -> RecognizerEvent | None:
        try:
            due, event = await self._events.receive()
        except trio.EndOfChannel:
            if self._error is not None:
                raise self._error from None
            return None
        await trio.sleep_until(due)
        return event

    def _take(self, span: Span) -> None:
        self.length += span[1] - span[0]
        if self.runs and self.runs[-1][1] == span[0]:
            self.runs[-1] = (self.runs[-1][0], span[1])
        else:
            self.runs.append(span)

    def _hear(self) -> None:
        if self._silent:
            return
        for span in self._recognizer.speech:
            covered = self._within(span)
            if not covered:
                continue
            if span[0] not in self._started:
                self._started.add(span[0])
                self._emit(SpeechStarted(covered[0][0]))
            paused = self.runs[-1][1] >= span[1] and self.length - covered[-1][1] > PAUSE
            if paused or covered[-1][1] - covered[0][0] >= self._recognizer.cut:
                self._emit_final(span, forced=False)
            elif covered[-1][1] - self._interim > INTERIM_EVERY:
                self._interim = covered[-1][1]
                self._emit(Interim("…", 0.5, self._interim))

    def _within(self, span: Span) -> list[tuple[int, int, int]]:
        """What the stream has of a span, and has said no final of: begin and end in the stream, begin in the call."""
        found, streamed = [], 0
        for begin, end in self.runs:
            first, last = max(begin, span[0], self._said), min(end, span[1])
            if first < last:
                found.append((streamed + first - begin, streamed + last - begin, first))
            streamed += end - begin
        return found

    def _emit_final(self, span: Span, forced: bool) -> None:
        covered = self._within(span)
        if not covered:
            return
        first, last = covered[0], covered[-1]
        self._said = last[2] + last[1] - last[0]
        delay = 0.0 if forced else self._recognizer.delay_seconds
        text = f"{first[2]} {self._said} {last[1] - first[0]}"
        self._emit(Final(text, first[0], last[1], 0.9), delay)

    @property
    def _silent(self) -> bool:
        return self._fate.kind == "hangs" and self.length >= self._fate.after

    def _emit(self, event: RecognizerEvent, delay: float = 0.0) -> None:
        self._send.send_nowait((trio.current_time() + delay, event))

    def _meet_fate(self) -> None:
        longest = self._recognizer.limits.max_seconds
        if longest is not None and max(trio.current_time() - self._opened, self.length / RATE) > longest:
            self._end(RecognizerError("the stream's longest duration is reached", retryable=True, ended=True))
        elif self.length >= self._fate.after and self._fate.kind in ("breaks", "ends"):
            broken = RecognizerError("breaks as its script says", retryable=True)
            self._end(broken if self._fate.kind == "breaks" else None)

    def _check_idle(self) -> None:
        idle = self._recognizer.limits.idle_seconds
        since = self.sent_at[-1] if self.sent_at else self._opened
        if idle is not None and trio.current_time() - since > idle:
            self._end(RecognizerError("no audio for too long", retryable=True, ended=True))

    def _end(self, error: RecognizerError | None) -> None:
        self._error, self._over = error, True
        self._send.close()
