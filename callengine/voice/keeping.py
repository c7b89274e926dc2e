"""Any voice, with what it said before at hand: fixed phrases for good, the rest while there is room, and both in a
store that all nodes share.

A sentence is shared once it has been asked for twice: what was said to one caller alone stays in this process."""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from callengine.ports.synthesis import Prompt, SpeechChunk, SpeechStore, SpeechStream, Spoken, Synthesizer, WordMark
from callengine.voice.cache import SpeechCache
from callengine.voice.speech import WholeSpeech, speak_whole

_MOST_SHARED = 4096  # keys remembered as shared already; forgetting them costs writing once more


class KeepingVoice:
    """The port's `Voice` around a synthesizer. `maker` names whatever else decides how a prompt sounds."""

    def __init__(
        self,
        synthesizer: Synthesizer,
        store: SpeechStore | None = None,
        maker: str = "",
        warmed: Callable[[Spoken], None] | None = None,
    ) -> None:
        """`warmed` is told what the fixed phrases cost."""
        self._synthesizer = synthesizer
        self._warmed = warmed
        self._store = store
        self._maker = maker
        self._fixed: dict[Prompt, SpeechChunk] = {}
        self._cache = SpeechCache()
        self._shared: set[str] = set()

    async def check(self) -> None:
        await self._synthesizer.check()

    def cached(self, prompt: Prompt) -> SpeechChunk | None:
        if (fixed := self._fixed.get(prompt)) is not None:
            return fixed
        if (again := self._cache.get(prompt)) is not None:
            self._share(prompt, again)
        return again

    async def warm(self, prompts: tuple[Prompt, ...]) -> None:
        for prompt in prompts:
            if prompt not in self._fixed:
                speech = self._cache.get(prompt) or await self._fetched(prompt)
                if speech is None:
                    speech = self._paid(await speak_whole(self._synthesizer, prompt))
                    self._share(prompt, speech)
                self._fixed[prompt] = speech

    @asynccontextmanager
    async def open_speech(self, prompt: Prompt) -> AsyncIterator[SpeechStream]:
        speech = self.cached(prompt) or await self._fetched(prompt)
        if speech is not None:
            self._cache.put(prompt, speech)
            yield WholeSpeech(speech)
            return
        async with self._synthesizer.open_speech(prompt) as stream:
            yield _Kept(stream, self._cache, prompt)

    def _paid(self, speech: SpeechChunk) -> SpeechChunk:
        """A speech that is kept costs nothing any more."""
        if speech.billed is not None and self._warmed is not None:
            self._warmed(speech.billed)
        return replace(speech, billed=None)

    async def _fetched(self, prompt: Prompt) -> SpeechChunk | None:
        if self._store is None:
            return None
        key = self._key(prompt)
        speech = await self._store.get(key)
        if speech is not None:
            self._note_shared(key)
        return speech

    def _share(self, prompt: Prompt, speech: SpeechChunk) -> None:
        if self._store is not None and (key := self._key(prompt)) not in self._shared:
            self._note_shared(key)
            self._store.put_nowait(key, speech)

    def _note_shared(self, key: str) -> None:
        if len(self._shared) >= _MOST_SHARED:
            self._shared.clear()
        self._shared.add(key)

    def _key(self, prompt: Prompt) -> str:
        parts = (self._maker, prompt.language, prompt.voice, f"{prompt.rate:g}", prompt.text)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class _Kept:
    """A stream whose speech is kept once it has come to its end."""

    def __init__(self, stream: SpeechStream, cache: SpeechCache, prompt: Prompt) -> None:
        self._stream = stream
        self._cache = cache
        self._prompt = prompt
        self._pieces: list[bytes] = []
        self._words: list[WordMark] = []

    async def receive(self) -> SpeechChunk | None:
        chunk = await self._stream.receive()
        if chunk is not None:
            self._pieces.append(chunk.slin)
            self._words += chunk.words
        elif self._pieces:
            self._cache.put(self._prompt, SpeechChunk(b"".join(self._pieces), tuple(self._words)))
            self._pieces = []
        return chunk
