"""A recogniser's stream that hears nothing: it takes audio, says nothing of it, and breaks when its time has come."""

import math
from dataclasses import dataclass, field

import trio

from callengine.errors import RecognizerError
from callengine.ports.recognition import RecognizerEvent


@dataclass(frozen=True, slots=True)
class DeafStream:
    """The port's `RecognizerStream`. From `breaks` on (Trio's time) it fails with `error`."""

    breaks: float = math.inf
    error: Exception = field(default_factory=lambda: RecognizerError("went away", retryable=True))

    async def send(self, slin: bytes) -> None:
        await trio.lowlevel.checkpoint()

    async def finish(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive(self) -> RecognizerEvent | None:
        await trio.sleep_until(self.breaks)
        raise self.error
