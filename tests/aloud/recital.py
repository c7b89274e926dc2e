"""One caller heard in real time: a leg on a media clock with Silero, and the recognizer on what it hears."""

import math
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise

import trio

from callengine.call.events import EVENTS, DialogEvent
from callengine.call.meter import Meter
from callengine.call.recognizer import Ear, run_recognizer
from callengine.call.sources import Sources
from callengine.call.turn_events import CallerHeard
from callengine.media.audio import FRAME_BYTES, RATE
from callengine.media.clock import MediaClock
from callengine.media.frames import HEADER
from callengine.media.leg import Leg
from callengine.ports.recognition import StreamSpec
from callengine.prices import Prices
from tests.aloud.lines import Line
from tests.aloud.overheard import Overheard, OverheardStream

FRAMES_PER_SECOND = 50
NO_MEDIA_SECONDS = 60.0
SCRAP = (
    RATE * 3 // 10
)  # what a final leaves of a sentence: the sound dying away behind where its recogniser saw the end


class Mouth:
    """A leg's wire: the caller's frames as they fall due, and nobody who listens."""

    def __init__(self, audio: bytes) -> None:
        self._audio = audio
        self._began = trio.current_time()
        self._said = 0  # frames

    def recv_nowait(self, buffer: memoryview) -> int:
        due = int((trio.current_time() - self._began) * FRAMES_PER_SECOND)
        frames = min(due - self._said, len(buffer) // (len(HEADER) + FRAME_BYTES))
        begin = self._said * FRAME_BYTES
        parts = [self._audio[at : at + FRAME_BYTES] for at in range(begin, begin + frames * FRAME_BYTES, FRAME_BYTES)]
        message = b"".join(HEADER + part for part in parts if len(part) == FRAME_BYTES)
        self._said += len(message) // (len(HEADER) + FRAME_BYTES)
        buffer[: len(message)] = message
        return len(message) or -1

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        return len(data)

    def close(self) -> None:
        pass


@dataclass
class Recital:
    """One caller's line, the recognisers that hear it, and what came of it, in call time."""

    line: Line
    recognizers: tuple[Overheard, ...]
    gate: bool = False
    finals: list[CallerHeard] = field(default_factory=list)
    heard_at: list[float] = field(default_factory=list)
    lost: list[tuple[float, float]] = field(default_factory=list)
    leg: Leg = field(init=False)

    @property
    def text(self) -> str:
        """All finals."""
        return " ".join(final.text for final in self.finals)

    async def run(self, clock: MediaClock) -> None:
        """Say the line to its end."""
        send, receive = trio.open_memory_channel[DialogEvent](EVENTS)
        self.leg = leg = Leg(Mouth(self.line.audio), trio.current_time(), NO_MEDIA_SECONDS)
        spec = StreamSpec(self.line.tag)
        sources = Sources(self.recognizers, gate=self.gate)
        ear = Ear(leg, sources, spec, (), send, lambda begin, end: self.lost.append((begin, end)), Meter(Prices()))
        with send, receive:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run_recognizer, ear)
                nursery.start_soon(self._collect, receive)
                clock.add(leg)
                await trio.sleep_until(leg.began + len(self.line.audio) / 2 / RATE)
                nursery.cancel_scope.cancel("all is said")
        leg.end("hangup")

    async def _collect(self, events: trio.MemoryReceiveChannel[DialogEvent]) -> None:
        async for event in events:
            with suppress(trio.WouldBlock):
                self.leg.marks.receive_nowait()  # the reader's part
            if isinstance(event, CallerHeard) and event.final:
                began = self.leg.began
                self.finals.append(replace(event, began=event.began - began, ended=event.ended - began))
                self.heard_at.append(trio.current_time() - began)

    @property
    def waits(self) -> list[float]:
        """Seconds from the end of each sentence to the final that covers it."""
        found = []
        for _, end in self.line.spoken:
            said = (at for final, at in zip(self.finals, self.heard_at, strict=True) if final.ended > end / RATE - 0.5)
            found.append(next(said, math.inf) - end / RATE)
        return found

    def check(self) -> None:
        """No sample of the call was skipped, none is in two finals, and each sentence was heard whole by the stream
        that gave its final."""
        assert not self.lost
        streams = [stream for recognizer in self.recognizers for stream in recognizer.streams]
        if not self.gate:
            self._check_sent(streams)
        spans = [(round(final.began * RATE), round(final.ended * RATE)) for final in self.finals]
        assert all(begin < end for begin, end in spans)
        assert all(one[1] <= two[0] for one, two in pairwise(spans)), f"a sample is in two finals: {spans}"
        before = 0
        for final, span in zip(self.finals, spans, strict=True):
            stream = self._origin(streams, final, span[1], before)
            for begin, end in self.line.spoken:
                part = (max(begin, before), min(end, span[1]))
                if part[1] - part[0] > SCRAP:
                    assert stream.has(part), f"{part} was not heard by the stream of the final {span}: {stream.runs}"
            before = span[1]
        missing = [span for span in self.line.spoken if span[1] - max(before, span[0]) > SCRAP]
        assert not missing, f"no final covers {missing}"

    def _check_sent(self, streams: list[OverheardStream]) -> None:
        """Every sample up to the last that was sent."""
        until = 0
        for begin, end in sorted(run for stream in streams for run in stream.runs):
            assert begin <= until, f"nobody was sent {until} to {begin}"
            until = max(until, end)
        assert until >= len(self.line.audio) // 2 - RATE

    def _origin(self, streams: list[OverheardStream], final: CallerHeard, end: int, before: int) -> OverheardStream:
        """The stream that gave a final: where its samples lie tells whether the engine's positions are right."""
        for stream in streams:
            for said in stream.finals:
                if said.text == final.text and stream.in_call(said.end) == end:
                    assert stream.in_call(said.start) >= before, "its audio is in two finals"
                    return stream
        raise AssertionError(f"no stream has said {final} there")


def rotations(recital: Recital) -> int:
    """How often the call went on in a new stream."""
    return sum(len(recognizer.streams) for recognizer in recital.recognizers) - 1


def mid_sentence(line: Line, number: int) -> float:
    """The call's second in the middle of a sentence."""
    begin, end = line.spoken[number]
    return (begin + end) / 2 / RATE
