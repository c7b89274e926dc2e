"""A machine that many streams share, and calls at once on it: what one stream costs, the others wait for.

The machine does its work in the order in which it came, also work that nobody wants any more: what a stream was sent
before it was left has been taken off the wire by then."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random

import trio

from callengine.errors import RecognizerError
from callengine.media.audio import RATE
from callengine.ports.recognition import RecognizerEvent, RecognizerStream, StreamLimits, StreamSpec
from tests.sim.heard_play import Play
from tests.sim.positions import LIMITS, PlacingRecognizer, PlacingStream, Span

WINDOW = 4 * RATE  # samples: HTTP/2's first window, 65,535 bytes; what is on its way beyond it waits with the sender


@dataclass
class Machine:
    """A second of audio costs it `audio_seconds`, a new stream `opening_seconds`. `opened`: when streams were."""

    audio_seconds: float
    opening_seconds: float
    opened: list[float] = field(default_factory=list)
    _free_at: float = 0.0

    def work(self, seconds: float) -> float:
        """When so much work will be done, behind all that came before."""
        self._free_at = max(self._free_at, trio.current_time()) + seconds
        return self._free_at

    @property
    def behind_seconds(self) -> float:
        """How long what is sent now waits."""
        return max(0.0, self._free_at - trio.current_time())


@dataclass
class CrowdedRecognizer:
    """The port's `Recognizer`: `inner` on a machine that others use too."""

    inner: PlacingRecognizer
    machine: Machine
    limits: StreamLimits = LIMITS

    async def check(self) -> None:
        await self.inner.check()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        self.machine.opened.append(trio.current_time())
        await trio.sleep_until(self.machine.work(self.machine.opening_seconds))
        async with self.inner.open_stream(spec, hints), trio.open_nursery() as nursery:
            stream = _CrowdedStream(self.inner.streams[-1], self.machine)
            nursery.start_soon(stream.carry)
            yield stream
            nursery.cancel_scope.cancel("the stream is left")


class _CrowdedStream:
    def __init__(self, inner: PlacingStream, machine: Machine) -> None:
        self._inner = inner
        self._machine = machine
        self._on_its_way = 0
        self._room = trio.Event()
        self._error: RecognizerError | None = None
        self._work_in, self._work = trio.open_memory_channel[tuple[float, bytes | None]](1000)

    async def send(self, slin: bytes) -> None:
        if self._error is not None:
            raise self._error
        samples = len(slin) // 2
        self._on_its_way += samples
        self._work_in.send_nowait((self._machine.work(samples / RATE * self._machine.audio_seconds), slin))
        while self._on_its_way > WINDOW:
            self._room = trio.Event()
            await self._room.wait()
        await trio.lowlevel.checkpoint()

    async def finish(self) -> None:
        self._work_in.send_nowait((self._machine.work(0.0), None))
        await trio.lowlevel.checkpoint()

    async def receive(self) -> RecognizerEvent | None:
        return await self._inner.receive()

    async def carry(self) -> None:
        """Hand over what was sent as the machine comes to it."""
        async for done, slin in self._work:
            await trio.sleep_until(done)
            if slin is None:
                await self._inner.finish()
                continue
            try:
                await self._inner.send(slin)
            except RecognizerError as error:  # the sender's next part meets it
                self._error = error
            self._on_its_way -= len(slin) // 2
            self._room.set()


def crowd(calls: int, seconds: float, machine: Machine) -> list[Play]:
    """So many calls in one process, on one machine: each speaks 2 s of every 5, by turns of its own."""
    random, plays = Random(4), []
    for _ in range(calls):
        at, speech = random.uniform(0.5, 5.0), list[Span]()
        while at + 2.0 < seconds:
            speech.append((round(at * RATE), round((at + 2.0) * RATE)))
            at += random.uniform(4.0, 6.0)
        plays.append(Play(speech, (), frame=RATE // 10))
        plays[-1].sources = replace(
            plays[0].sources, recognizers=(CrowdedRecognizer(PlacingRecognizer(speech), machine),)
        )
    return plays
