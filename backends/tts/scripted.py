"""A voice for simulations and benchmarks: a tone as long as the text, at once or with chosen delays and faults.

No thread, no process, no I/O: it runs in virtual time.
"""

import array
import math
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import trio

from callengine.errors import SynthesisError
from callengine.ports.bridge import Bridge
from callengine.ports.synthesis import Prompt, SpeechChunk, SpeechStream, Spoken, WordMark
from callengine.voice.cache import SpeechCache
from callengine.voice.speech import gather

RATE = 8000
_PERIOD = 20  # samples: 400 Hz
_AMPLITUDE = 4634  # -20 dBFS RMS


def _tone_of_one_second() -> bytes:
    wave = (round(_AMPLITUDE * math.sin(2 * math.pi * at / _PERIOD)) for at in range(RATE))
    samples = array.array("h", wave)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


_TONE = _tone_of_one_second()


@dataclass(frozen=True, slots=True)
class ScriptedVoice:
    """The port's `Voice`. A word begins exactly where its first character's share of the tone does.

    `fail_after`: so many chunks of a prompt come before it fails; None: it never does. `product`: what its characters
    are billed as; empty: nothing is."""

    seconds_per_character: float = 0.06
    chunk_seconds: float = 0.2
    first_delay_seconds: float = 0.0
    chunk_delay_seconds: float = 0.0
    fail_after: int | None = None
    product: str = ""
    cache: SpeechCache = field(default_factory=SpeechCache)

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    def cached(self, prompt: Prompt) -> SpeechChunk | None:
        return self.cache.get(prompt)

    async def warm(self, prompts: tuple[Prompt, ...]) -> None:
        for prompt in prompts:
            self.cache.put(prompt, replace(await gather(self.open_speech(prompt)), billed=None))

    @asynccontextmanager
    async def open_speech(self, prompt: Prompt) -> AsyncIterator[SpeechStream]:
        yield _Tone(prompt, self)


class _Tone:
    def __init__(self, prompt: Prompt, voice: ScriptedVoice) -> None:
        self._voice = voice
        per_character = max(1, round(voice.seconds_per_character * RATE / prompt.rate))
        self._length = per_character * len(prompt.text)
        self._words = [WordMark(w.start(), w.start() * per_character) for w in re.finditer(r"\S+", prompt.text)]
        self._chunk = max(1, round(voice.chunk_seconds * RATE))
        self._billed = Spoken(voice.product, len(prompt.text)) if voice.product else None
        self._position = 0
        self._chunks = 0
        self._due = trio.current_time() + voice.first_delay_seconds

    async def receive(self) -> SpeechChunk | None:
        if self._position >= self._length:
            await trio.lowlevel.checkpoint()
            return None
        self._due += self._voice.chunk_delay_seconds
        await trio.sleep_until(self._due)
        if self._chunks == self._voice.fail_after:
            raise SynthesisError("scripted voice: fails as its script says", retryable=True)
        self._chunks += 1
        start, self._position = self._position, min(self._position + self._chunk, self._length)
        words = tuple(word for word in self._words if start <= word.position < self._position)
        billed, self._billed = self._billed, None
        return SpeechChunk(_tone(start, self._position), words, billed)


def _tone(start: int, end: int) -> bytes:
    """The tone from one sample to another, its phase counted from 0."""
    phase = start % _PERIOD
    samples = phase + end - start
    whole = _TONE * (samples // RATE + 1) if samples > RATE else _TONE
    return whole[2 * phase : 2 * samples]


@asynccontextmanager
async def open_voice(settings: Any, bridge: Bridge | None) -> AsyncIterator[ScriptedVoice]:
    """The entry point `scripted`: speaks at once."""
    await trio.lowlevel.checkpoint()
    yield ScriptedVoice()
