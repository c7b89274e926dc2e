"""Any voice, given text as people write it: what it reads is made fit to be spoken, and its word marks come back to the
characters of the text as it was, which is what the history keeps."""

from bisect import bisect_right
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from callengine.ports.synthesis import Prompt, SpeechChunk, SpeechStream, Voice, WordMark
from callengine.voice.rewriting import SpokenText
from callengine.voice.speech import WholeSpeech
from callengine.voice.spoken import spoken_text, word_starts

_NOTHING = SpeechChunk(b"")


class ReadingVoice:
    """The port's `Voice` around another one."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice

    async def check(self) -> None:
        await self._voice.check()

    def cached(self, prompt: Prompt) -> SpeechChunk | None:
        spoken = spoken_text(prompt.text, prompt.language)
        if not _sounds(spoken):
            return _NOTHING
        speech = self._voice.cached(replace(prompt, text=spoken.text))
        return Marks(prompt.text, spoken).restored(speech) if speech is not None else None

    async def warm(self, prompts: tuple[Prompt, ...]) -> None:
        read = [(prompt, spoken_text(prompt.text, prompt.language)) for prompt in prompts]
        await self._voice.warm(tuple(replace(prompt, text=spoken.text) for prompt, spoken in read if _sounds(spoken)))

    @asynccontextmanager
    async def open_speech(self, prompt: Prompt) -> AsyncIterator[SpeechStream]:
        spoken = spoken_text(prompt.text, prompt.language)
        if not _sounds(spoken):
            yield WholeSpeech(_NOTHING)
            return
        async with self._voice.open_speech(replace(prompt, text=spoken.text)) as stream:
            yield _Restored(stream, Marks(prompt.text, spoken))


class Marks:
    """Leads the word marks of one prompt's speech back to the prompt; each of its words is marked once."""

    def __init__(self, text: str, spoken: SpokenText) -> None:
        self._starts = word_starts(text)
        self._origins = spoken.origins
        self._latest = -1

    def restored(self, chunk: SpeechChunk) -> SpeechChunk:
        words = tuple(found for mark in chunk.words if (found := self._word(mark)) is not None)
        return replace(chunk, words=words)

    def _word(self, mark: WordMark) -> WordMark | None:
        origin = self._origins[min(mark.start, len(self._origins) - 1)]
        start = self._starts[max(bisect_right(self._starts, origin) - 1, 0)]
        if start <= self._latest:
            return None
        self._latest = start
        return WordMark(start, mark.position)


class _Restored:
    def __init__(self, stream: SpeechStream, marks: Marks) -> None:
        self._stream = stream
        self._marks = marks

    async def receive(self) -> SpeechChunk | None:
        chunk = await self._stream.receive()
        return None if chunk is None else self._marks.restored(chunk)


def _sounds(spoken: SpokenText) -> bool:
    """Whether there is anything to say: services refuse a text of nothing but marks."""
    return any(map(str.isalnum, spoken.text))
