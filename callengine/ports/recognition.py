"""Speech to text: what a call asks of a recogniser. Positions: samples since the stream began (`StreamSpec.rate`)."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from callengine.ports.bridge import Bridge

Endpointing = Literal["STANDARD", "SHORT", "SUPERSHORT"]


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What a backend's streams bear. `None` means without limit. `product`: what is paid for, by its name in the price
    table."""

    max_seconds: float | None
    idle_seconds: float | None
    max_chunk_bytes: int
    bills_silence: bool
    product: str = ""


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One stream: `language` is BCP-47, `rate` in hertz; audio is slin (16-bit little-endian mono).

    `chunk_ms`: how much audio is sent at once while somebody speaks."""

    language: str
    rate: int = 8000
    endpointing: Endpointing = "SHORT"
    chunk_ms: int = 100


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The recogniser heard speech begin."""

    position: int


@dataclass(frozen=True, slots=True)
class Interim:
    """A transcript that may change. `stability` 0..1; `end` is the position it covers up to."""

    text: str
    stability: float
    end: int


@dataclass(frozen=True, slots=True)
class Final:
    """A transcript that will not change, of the audio from `start` to `end`. `confidence` 0..1, 0.0 when not given."""

    text: str
    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The recogniser heard speech end."""

    position: int


RecognizerEvent = SpeechStarted | Interim | Final | SpeechEnded


class RecognizerStream(Protocol):
    """One open stream. `send`/`finish` and `receive` may run in two tasks."""

    async def send(self, slin: bytes) -> None:
        """Send one chunk, at most `StreamLimits.max_chunk_bytes`. Raises RecognizerError."""
        ...

    async def finish(self) -> None:
        """Half-close: no more audio; the finals still owed arrive through `receive`."""
        ...

    async def receive(self) -> RecognizerEvent | None:
        """The next event, or None once the stream has ended cleanly. Raises RecognizerError."""
        ...


class Recognizer(Protocol):
    """A recogniser backend, ready: connections are warm."""

    @property
    def limits(self) -> StreamLimits: ...

    async def check(self) -> None:
        """Raise RecognizerError when the service cannot be reached or refuses the configuration; the first check asks
        for all of it: language, model, who we are. One that follows asks only whether the service is there."""
        ...

    def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AbstractAsyncContextManager[RecognizerStream]:
        """A stream; leaving the block cancels it on the wire. `hints` are phrases to expect."""
        ...


# The entry-point group `callengine.stt`: `open_recognizer(settings, bridge)`, settings being `config.Settings`.
OpenRecognizer = Callable[[Any, Bridge], AbstractAsyncContextManager[Recognizer]]
