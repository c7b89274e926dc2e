"""A real recogniser with somebody writing down what its streams were sent and said, told by the audio itself.

Where a chunk lies in the call is found by its samples, not by the engine's arithmetic: `marked` makes every stretch of
a call's audio the only one of its kind, by a noise of a few steps that nobody hears, or a telephone line's own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np

from callengine.ports.recognition import (
    Final,
    Recognizer,
    RecognizerEvent,
    RecognizerStream,
    StreamLimits,
    StreamSpec,
)

Span = tuple[int, int]


def marked(slin: bytes, noise: int) -> bytes:
    """The same sound with white noise of at most so many steps, in which no two stretches are alike."""
    samples = np.frombuffer(slin, "<i2").astype(np.int32)
    added = np.random.default_rng(1).integers(-noise, noise + 1, len(samples))
    return bytes((samples + added).clip(-32768, 32767).astype("<i2").tobytes())


@dataclass
class Overheard:
    """The port's `Recognizer`: `inner`, whose streams may live for `longest` seconds, on the call's whole `audio`."""

    inner: Recognizer
    audio: bytes
    longest: float | None = None
    streams: list["OverheardStream"] = field(default_factory=list)

    @property
    def limits(self) -> StreamLimits:
        of = self.inner.limits
        return StreamLimits(self.longest or of.max_seconds, of.idle_seconds, of.max_chunk_bytes, of.bills_silence)

    async def check(self) -> None:
        await self.inner.check()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        async with self.inner.open_stream(spec, hints) as stream:
            overheard = OverheardStream(stream, self.audio)
            self.streams.append(overheard)
            yield overheard


@dataclass
class OverheardStream:
    """One of its streams. `runs`: where the call's samples lie that it was sent; `finals`: as it said them."""

    inner: RecognizerStream
    audio: bytes
    runs: list[Span] = field(default_factory=list)
    finals: list[Final] = field(default_factory=list)
    messages: int = 0

    async def send(self, slin: bytes) -> None:
        self._place(slin)
        self.messages += 1
        await self.inner.send(slin)

    async def finish(self) -> None:
        await self.inner.finish()

    async def receive(self) -> RecognizerEvent | None:
        event = await self.inner.receive()
        if isinstance(event, Final):
            self.finals.append(event)
        return event

    @property
    def seconds(self) -> float:
        """Of audio that it was sent."""
        return sum(end - begin for begin, end in self.runs) / 8000

    def in_call(self, position: int) -> int:
        """Where in the call the stream's sample lies that ends at `position`."""
        streamed = 0
        for begin, end in self.runs:
            if position <= streamed + end - begin:
                return begin + position - streamed
            streamed += end - begin
        return self.runs[-1][1]

    def has(self, span: Span) -> bool:
        """It was sent all of the call's samples in `span`, in one piece."""
        return any(begin <= span[0] and span[1] <= end for begin, end in self.runs)

    def _place(self, slin: bytes) -> None:
        at = 2 * self.runs[-1][1] if self.runs else 0
        if not self.audio.startswith(slin, at):
            at = self.audio.find(slin)
            assert at >= 0, "a chunk is no stretch of the caller's audio"
            assert at % 2 == 0, "a chunk begins within a sample"
        span = (at // 2, (at + len(slin)) // 2)
        if self.runs and self.runs[-1][1] == span[0]:
            self.runs[-1] = (self.runs[-1][0], span[1])
        else:
            self.runs.append(span)
