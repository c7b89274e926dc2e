"""A recogniser that costs next to nothing and says as much as a real one, in memory or as a server of Google's service.

Speech is whatever is not digital silence: an event where it begins and ends, an interim a second, a final half a second
behind. `python -m tests.bench.stand_in` prints its address and serves until its standard input closes."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import trio

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
from tests.bench.speech_service import Response, serve_speech
from tests.own_process import in_own_process

RATE = 8000
PAUSE = RATE // 2
LIMITS = StreamLimits(None, None, 15_360, bills_silence=False)


class Listening:
    """One stream's recognition."""

    def __init__(self) -> None:
        self._heard = 0
        self._began: int | None = None
        self._loud = 0  # the end of the last sound
        self._interim = 0

    def feed(self, slin: bytes) -> list[RecognizerEvent]:
        """What is to be said of the next samples."""
        found: list[RecognizerEvent] = []
        last = len(slin.rstrip(b"\0")) // 2
        if last:
            if self._began is None:
                self._began = self._interim = self._heard
                found.append(SpeechStarted(self._began))
            self._loud = self._heard + last
        self._heard += len(slin) // 2
        if self._began is None:
            return found
        if self._heard - self._loud >= PAUSE:
            found += [SpeechEnded(self._loud), Final("слово за словом", self._began, self._loud, 0.9)]
            self._began = None
        elif self._loud - self._interim >= RATE:
            self._interim = self._loud
            found.append(Interim("слово за", 0.9, self._loud))
        return found


@dataclass
class InMemory:
    """The port's `Recognizer` without a network. `messages`: how many were sent and said."""

    limits: StreamLimits = LIMITS
    messages: list[int] = field(default_factory=lambda: [0, 0])

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        await trio.lowlevel.checkpoint()
        yield _MemoryStream(self.messages)


class _MemoryStream:
    def __init__(self, messages: list[int]) -> None:
        self._messages = messages
        self._listening = Listening()
        self._said: deque[RecognizerEvent] = deque()
        self._news = trio.Event()

    async def send(self, slin: bytes) -> None:
        await trio.lowlevel.checkpoint()
        self._messages[0] += 1
        if events := self._listening.feed(slin):
            self._messages[1] += len(events)
            self._said += events
            self._news.set()

    async def finish(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive(self) -> RecognizerEvent | None:
        while not self._said:
            self._news = trio.Event()
            await self._news.wait()
        await trio.lowlevel.checkpoint()
        return self._said.popleft()


@contextmanager
def stand_in_server() -> Iterator[str]:
    """Run it in a process of its own; gives its `host:port`."""
    with in_own_process("tests.bench.stand_in") as address:
        yield address


async def _recognize(_messages: object, context: Any) -> None:
    listening = Listening()
    await context.read()
    while (message := await context.read()) is not grpc.aio.EOF:
        for event in listening.feed(message.audio):
            await context.write(_response(event))


def _response(event: RecognizerEvent) -> Any:
    response = Response()
    match event:
        case SpeechStarted(position) | SpeechEnded(position):
            response.speech_event_type = 2 if isinstance(event, SpeechStarted) else 3
            _set(response.speech_event_offset, position)
        case Interim(text=text, end=end) | Final(text=text, end=end):
            result = response.results.add(is_final=isinstance(event, Final), stability=0.9)
            result.alternatives.add(transcript=text)
            _set(result.result_end_offset, end)
    return response


def _set(offset: Any, position: int) -> None:
    offset.seconds, rest = divmod(position, RATE)
    offset.nanos = rest * 1_000_000_000 // RATE


if __name__ == "__main__":
    asyncio.run(serve_speech(_recognize))
