"""A voice whose every frame says which one it is: what went out can be told to the frame, said twice or left out.

A frame carries its prompt and its place in it in the signs of its samples, which survive a fade; one frame is one
character, so the words heard follow from the frames without the engine's own arithmetic."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import trio

from callengine.errors import SynthesisError
from callengine.media.audio import FRAME_SAMPLES
from callengine.ports.synthesis import Prompt, SpeechChunk, SpeechStream, WordMark

AMPLITUDE = 4000
STAMP_BITS = 32
STAMP_AT = 64  # the middle of a frame: neither fade reaches zero there
FADED = 200  # the outermost sample of a faded frame is under this
_FRAMES_KEPT = 16384  # prompts have the same numbers in every call: what was made or read once serves them all


@dataclass(slots=True)
class StampedVoice:
    """The port's `Voice`, 20 ms a character. `breaks`: the prompts it fails at, by the chunks that come before."""

    first_delay_seconds: float = 0.0
    chunk_samples: int = 1600
    chunk_delay_seconds: float = 0.0
    word_times: bool = True
    caches: bool = True
    breaks: dict[str, int] = field(default_factory=dict)
    error: Exception = field(default_factory=lambda: SynthesisError("fails as its script says", retryable=True))
    texts: list[str] = field(default_factory=list)  # every prompt spoken, by its number
    _cache: dict[Prompt, SpeechChunk] = field(default_factory=dict)

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    def cached(self, prompt: Prompt) -> SpeechChunk | None:
        return self._cache.get(prompt)

    async def warm(self, prompts: tuple[Prompt, ...]) -> None:
        await trio.lowlevel.checkpoint()
        if self.caches:
            self._cache.update((prompt, self._speech(prompt)) for prompt in prompts)

    @asynccontextmanager
    async def open_speech(self, prompt: Prompt) -> AsyncIterator[SpeechStream]:
        await trio.lowlevel.checkpoint()
        yield _Stamped(self, self._speech(prompt), self.breaks.get(prompt.text))

    def _speech(self, prompt: Prompt) -> SpeechChunk:
        number = len(self.texts)
        self.texts.append(prompt.text)
        frames = b"".join(_frame(number, index) for index in range(len(prompt.text)))
        words = [WordMark(w.start(), w.start() * FRAME_SAMPLES) for w in re.finditer(r"\S+", prompt.text)]
        return SpeechChunk(frames, tuple(words) if self.word_times else ())


class _Stamped:
    def __init__(self, voice: StampedVoice, speech: SpeechChunk, breaks_after: int | None) -> None:
        self._voice = voice
        self._speech = speech
        self._breaks_after = breaks_after
        self._position = 0
        self._chunks = 0
        self._due = trio.current_time() + voice.first_delay_seconds

    async def receive(self) -> SpeechChunk | None:
        begin, end = self._position, self._position + self._voice.chunk_samples
        self._due += self._voice.chunk_delay_seconds
        await trio.sleep_until(self._due)
        if self._chunks == self._breaks_after:
            raise self._voice.error
        if begin * 2 >= len(self._speech.slin):
            return None
        self._position, self._chunks = end, self._chunks + 1
        words = tuple(word for word in self._speech.words if begin <= word.position < end)
        return replace(self._speech, slin=self._speech.slin[2 * begin : 2 * end], words=words)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A frame that was read back: frame `index` of the prompt `number`; how it was faded."""

    number: int
    index: int
    falling: bool = False
    rising: bool = False


@lru_cache(_FRAMES_KEPT)
def read_stamp(payload: bytes) -> Stamp | None:
    """Which frame this is, or None for silence."""
    samples = np.frombuffer(payload, dtype="<i2")
    if not samples.any():
        return None
    signs = (samples[STAMP_AT : STAMP_AT + STAMP_BITS] < 0).astype(np.uint8)
    value = int.from_bytes(np.packbits(signs).tobytes(), "big")
    falling, rising = abs(int(samples[-1])) < FADED, abs(int(samples[0])) < FADED
    return Stamp(value >> 16, value & 0xFFFF, falling, rising)


@dataclass(slots=True)
class Spoken:
    """One prompt as it went out: its text, and how many of its frames were heard at full length."""

    text: str
    frames: int = 0

    @property
    def whole(self) -> bool:
        """Heard to its end."""
        return self.frames == len(self.text)

    @property
    def words(self) -> list[str]:
        """The words that began to be heard."""
        return [word.group() for word in re.finditer(r"\S+", self.text) if word.start() < self.frames]


def spoken(payloads: Sequence[bytes], texts: Sequence[str]) -> list[Spoken]:
    """What was heard, prompt by prompt. Asserts that no frame was left out or came twice.

    A falling frame is heard as a fade, not as speech: where the agent goes on, it comes again, rising."""
    found: list[Spoken] = []
    for payload in payloads:
        stamp = read_stamp(payload)
        if stamp is None or stamp.falling:
            continue
        if stamp.index == 0:
            found.append(Spoken(texts[stamp.number]))
        assert found and found[-1].text == texts[stamp.number], "a prompt went on that never began"
        assert stamp.index == found[-1].frames, f"frame {stamp.index} follows {found[-1].frames - 1} of a prompt"
        found[-1].frames += 1
    return found


@lru_cache(_FRAMES_KEPT)
def _frame(number: int, index: int) -> bytes:
    bits = np.unpackbits(np.frombuffer((number << 16 | index).to_bytes(4, "big"), dtype=np.uint8))
    samples = np.full(FRAME_SAMPLES, AMPLITUDE, dtype="<i2")
    samples[STAMP_AT : STAMP_AT + STAMP_BITS] = np.where(bits, -AMPLITUDE, AMPLITUDE)
    return samples.tobytes()
