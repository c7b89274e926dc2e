"""A recogniser that understands the tones of a telephone's keys (ITU-T Q.23): «1 2 3» pressed is «1 2 3» heard.

Small, and whole: limits, a check, streams, every event with its position, and the port's one error."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import trio

from callengine.errors import RecognizerError
from callengine.ports.bridge import Bridge
from callengine.ports.recognition import (
    Final,
    Interim,
    RecognizerEvent,
    SpeechEnded,
    SpeechStarted,
    StreamLimits,
    StreamSpec,
)

LIMITS = StreamLimits(max_seconds=None, idle_seconds=None, max_chunk_bytes=16_000, bills_silence=False)
LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")
WINDOW_SECONDS = 0.04
SILENCE_SECONDS = 0.5  # ends what is keyed in
LOUD = 1000.0  # the amplitude of a tone that counts


class KeypadRecognizer:
    """The port's `Recognizer`. A real one holds its connections here, opened before the first call."""

    limits = LIMITS

    async def check(self) -> None:
        """A real one asks its service for the language and the model here, and raises RecognizerError."""
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator["KeypadStream"]:
        """A real one cancels its request when the block is left, however it is left."""
        await trio.lowlevel.checkpoint()
        yield KeypadStream(spec.rate)


class KeypadStream:
    """The port's `RecognizerStream`: `send` and `receive` are called by two tasks at once."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._window = round(WINDOW_SECONDS * rate)
        self._rest = b""
        self._position = 0  # of the next window, in samples since the stream began
        self._keys: list[str] = []
        self._last = ""  # the key that sounds, "" for silence
        self._start = self._end = 0
        self._events, self._received = trio.open_memory_channel[RecognizerEvent](10_000)

    async def send(self, slin: bytes) -> None:
        """Take a chunk. Waiting here holds back the call's recogniser and nobody else."""
        await trio.lowlevel.checkpoint()
        if len(slin) > LIMITS.max_chunk_bytes:
            raise RecognizerError(f"keypad: a chunk of {len(slin)} bytes is too large", retryable=False)
        self._rest += slin
        size = 2 * self._window
        while len(self._rest) >= size:
            self._hear(key_of(np.frombuffer(self._rest[:size], dtype="<i2"), self._rate))
            self._rest = self._rest[size:]

    async def finish(self) -> None:
        """Half-close: what is owed still comes through `receive`, and then None."""
        await trio.lowlevel.checkpoint()
        self._over()
        self._events.close()

    async def receive(self) -> RecognizerEvent | None:
        """The next event, None at the end."""
        try:
            return await self._received.receive()
        except trio.EndOfChannel:
            return None

    def _hear(self, key: str) -> None:
        self._position += self._window
        if key:
            if not self._keys:
                self._start = self._position - self._window
                self._say(SpeechStarted(self._start))
            self._end = self._position
            if key != self._last:
                self._keys.append(key)
                self._say(Interim(" ".join(self._keys), 0.9, self._end))
        elif self._position - self._end >= SILENCE_SECONDS * self._rate:
            self._over()
        self._last = key

    def _over(self) -> None:
        if self._keys:
            self._say(SpeechEnded(self._end))
            self._say(Final(" ".join(self._keys), self._start, self._end, 1.0))
            self._keys = []

    def _say(self, event: RecognizerEvent) -> None:
        try:
            self._events.send_nowait(event)
        except trio.WouldBlock:
            raise RecognizerError("keypad: nobody receives its events", retryable=True) from None


def key_of(window: np.ndarray, rate: int) -> str:
    """The key whose two tones sound in the window, "" for none: each tone's share of the sound is looked at."""
    times = np.arange(len(window)) / rate
    samples = window.astype(np.float64)

    def amplitude(hertz: int) -> float:
        return 2 * float(abs(np.mean(samples * np.exp(-2j * np.pi * hertz * times))))

    low, high = (max(tones, key=amplitude) for tones in (LOW, HIGH))
    if min(amplitude(low), amplitude(high)) < LOUD:
        return ""
    return KEYS[LOW.index(low)][HIGH.index(high)]


@asynccontextmanager
async def open_recognizer(settings: Any, bridge: Bridge) -> AsyncIterator[KeypadRecognizer]:
    """The entry point. `settings` are the engine's (its language, say); what is yours alone you read from the
    environment, and callengine.errors.ConfigError names a variable that cannot be used.

    `bridge` runs what knows only asyncio: `await bridge.run(function, argument)`."""
    await trio.lowlevel.checkpoint()
    yield KeypadRecognizer()
