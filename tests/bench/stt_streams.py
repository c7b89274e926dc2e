"""What a gRPC stream costs the engine: processor time of its client, by stream and minute, and by message.

`python -m tests.bench.stt_streams [--streams 200] [--seconds 30]`. So many legs on one media clock hear DESIGN's
traffic mix (a turn every 8 s: the caller speaks 40 % of it), each with the engine's own recognizer; once with a
recogniser in memory and once with one that says the same over gRPC. The difference is the client's. Silero is left
out of both: loudness stands in for it. A run in which a line ended, or whose streams were not sent the audio of their
calls, has measured something else, and is an error.
"""

import argparse
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio
from rich.console import Console
from rich.table import Table

from callengine.call.events import EVENTS, DialogEvent
from callengine.call.meter import Meter
from callengine.call.recognizer import Ear, run_recognizer
from callengine.call.sources import Sources
from callengine.media.audio import FRAME_BYTES, RATE
from callengine.media.clock import MediaClock
from callengine.media.confirm import serve_confirmation
from callengine.media.frames import HEADER, MESSAGE_BYTES
from callengine.media.leg import Leg
from callengine.media.silero import LevelModel
from callengine.ports.recognition import Recognizer, RecognizerEvent, RecognizerStream, StreamLimits, StreamSpec
from callengine.prices import Prices
from tests.bench.machine import told_machine
from tests.bench.stand_in import InMemory, stand_in_server
from tests.google_clients import sentences
from tests.recognizers import open_google

TURN_SECONDS, SPEECH_SECONDS = 8.0, 3.2
RAMP_SECONDS = 8.0
SETTLE_SECONDS = 2.0
LEAST_SENT = 0.95  # of the audio that was there to be sent
FRAMES = round(TURN_SECONDS * 50)
console = Console(width=110)


@dataclass
class Counted:
    """A recogniser whose messages are counted, sent and received, and the samples sent."""

    inner: Recognizer
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])

    @property
    def limits(self) -> StreamLimits:
        return self.inner.limits

    async def check(self) -> None:
        await self.inner.check()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        async with self.inner.open_stream(spec, hints) as stream:
            yield _CountedStream(stream, self.counts)


@dataclass(slots=True)
class _CountedStream:
    inner: RecognizerStream
    counts: list[int]

    async def send(self, slin: bytes) -> None:
        await self.inner.send(slin)
        self.counts[0] += 1
        self.counts[2] += len(slin) // 2

    async def finish(self) -> None:
        await self.inner.finish()

    async def receive(self) -> RecognizerEvent | None:
        event = await self.inner.receive()
        self.counts[1] += 1
        return event


class Turns:
    """A leg's wire: the same turn for ever, as its frames fall due."""

    def __init__(self, turn: Sequence[bytes]) -> None:
        self._turn = turn
        self._began = trio.current_time()
        self._said = 0

    def recv_nowait(self, buffer: memoryview) -> int:
        due = int((trio.current_time() - self._began) * 50)
        due = min(due, self._said + len(buffer) // MESSAGE_BYTES)  # whole messages: half of one would be said twice
        if due <= self._said:
            return -1
        said = b"".join(self._turn[frame % FRAMES] for frame in range(self._said, due))
        self._said = due
        buffer[: len(said)] = said
        return len(said)

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        return len(data)

    def close(self) -> None:
        pass


def turn() -> list[bytes]:
    """The frames of one: recorded speech without a pause, then silence."""
    speech = b"".join(clip.slin[3200:-3200] for clip in sentences("ru"))[: round(SPEECH_SECONDS * RATE) * 2]
    slin = speech.replace(b"\0\0", b"\1\0") + bytes(FRAMES * FRAME_BYTES - len(speech))
    return [HEADER + slin[at : at + FRAME_BYTES] for at in range(0, len(slin), FRAME_BYTES)]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run, its ramp left out: processor seconds, messages sent and received, seconds of audio sent."""

    cpu: float
    sent: int
    received: int
    audio: float


async def cost(recognizer: Recognizer, streams: int, seconds: float) -> Cost:
    """Run so many legs for so long. Raises SystemExit where the run is worth nothing."""
    counted, clock, frames = Counted(recognizer), MediaClock(), turn()
    legs: list[Leg] = []
    async with trio.open_nursery() as world:
        await world.start(clock.run)
        world.start_soon(serve_confirmation, clock.all_legs, LevelModel())
        for _ in range(streams):
            legs.append(leg := Leg(Turns(frames), trio.current_time(), 60.0))
            world.start_soon(_listen, leg, counted)
            clock.add(leg)
            await trio.sleep(RAMP_SECONDS / streams)
        await trio.sleep(SETTLE_SECONDS)
        before, began = list(counted.counts), time.process_time()
        await trio.sleep(seconds)
        sent, received, samples = (now - then for now, then in zip(counted.counts, before, strict=True))
        spent = Cost(time.process_time() - began, sent, received, samples / RATE)
        world.cancel_scope.cancel("measured")
    _check(legs, spent, streams * seconds)
    return spent


def _check(legs: Sequence[Leg], spent: Cost, spoken: float) -> None:
    if ended := [leg.ended for leg in legs if leg.ended is not None]:
        raise SystemExit(f"{len(ended)} of {len(legs)} lines ended in the run, the first by {ended[0]}")
    if spent.audio < LEAST_SENT * spoken:
        raise SystemExit(f"of {spoken:.0f} s of calls only {spent.audio:.0f} s were sent")


async def _listen(leg: Leg, recognizer: Recognizer) -> None:
    send, receive = trio.open_memory_channel[DialogEvent](EVENTS)
    ear = Ear(leg, Sources((recognizer,)), StreamSpec("ru-RU"), (), send, lambda begin, end: None, Meter(Prices()))
    with send, receive:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_recognizer, ear)
            nursery.start_soon(_pass_on, leg)
            async for _ in receive:
                pass


async def _pass_on(leg: Leg) -> None:
    async for _ in leg.marks:
        pass


async def measure(streams: int, seconds: float) -> tuple[Cost, Cost]:
    """Without and with gRPC."""
    memory = await cost(InMemory(), streams, seconds)
    with stand_in_server() as address:
        async with open_google(address) as google:
            return memory, await cost(google, streams, seconds)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stt_streams", description=__doc__)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=24.0, help="measured, behind the ramp [24: three turns]")
    chosen = parser.parse_args()
    console.print(told_machine())
    memory, over_grpc = trio.run(measure, chosen.streams, chosen.seconds)
    minutes = chosen.streams * chosen.seconds / 60
    table = Table(
        title=f"{chosen.streams} streams, {chosen.seconds:.0f} s, a turn every 8 s, the caller speaks 40 % of it"
    )
    for name in ("recogniser", "core", "CPU s a stream-minute", "sent a minute", "received a minute", "audio sent"):
        table.add_column(name, justify="left" if name == "recogniser" else "right")
    for name, row in (("in memory", memory), ("over gRPC", over_grpc)):
        rates = (row.cpu / minutes, row.sent / minutes, row.received / minutes)
        share = f"{100 * row.audio / (60 * minutes):.0f} %"
        counts = (f"{rate:.0f}" for rate in rates[1:])
        table.add_row(name, f"{row.cpu / chosen.seconds:.2f}", f"{rates[0]:.3f}", *counts, share)
    console.print(table)
    spent, messages = over_grpc.cpu - memory.cpu, over_grpc.sent + over_grpc.received
    console.print(
        f"The client: {spent / minutes:.3f} CPU s a stream-minute, {spent / chosen.seconds:.2f} core for all, "
        f"{1e6 * spent / messages:.0f} us a message"
    )


if __name__ == "__main__":
    main()
