"""Two voices: where the chosen one fails, the spare one speaks, and the log has a line for the incident.

A voice that breaks off in mid-prompt is followed by the spare one with the whole prompt: a word said twice is better
than a word lost. After faults in a row nobody waits for the chosen voice, until a prompt now and then finds it well."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import structlog
import trio

from callengine import metrics
from callengine.call.failover import Circuit
from callengine.errors import SynthesisError
from callengine.ports.synthesis import Prompt, SpeechChunk, SpeechStream, Synthesizer, Voice, WordMark

log = structlog.get_logger(__name__)


class SparedVoice:
    """The port's `Voice` around two. The spare one must speak without a key and without a network."""

    def __init__(self, chosen: Voice, spare: Synthesizer) -> None:
        self._chosen = chosen
        self._spare = spare
        self._circuit = Circuit()

    async def check(self) -> None:
        """A chosen voice that is away is no reason not to serve; one that refuses us is."""
        await self._spare.check()
        try:
            await self._chosen.check()
        except SynthesisError as error:
            self._take_over(error, for_good=True)
            if not error.retryable:
                raise

    def cached(self, prompt: Prompt) -> SpeechChunk | None:
        return self._chosen.cached(prompt)

    async def warm(self, prompts: tuple[Prompt, ...]) -> None:
        if not self._circuit.admits(trio.current_time()):
            return
        try:
            await self._chosen.warm(prompts)
        except SynthesisError as error:
            self._take_over(error, for_good=True)
            if not error.retryable:
                raise

    @asynccontextmanager
    async def open_speech(self, prompt: Prompt) -> AsyncIterator[SpeechStream]:
        async with AsyncExitStack() as stack:
            stream: SpeechStream | None = None
            if self._circuit.admits(trio.current_time()):
                try:
                    stream = await stack.enter_async_context(self._chosen.open_speech(prompt))
                except SynthesisError as error:
                    self._take_over(error)
            yield _Spared(self, stream, prompt, stack)

    def _take_over(self, error: SynthesisError, *, for_good: bool = False) -> None:
        metrics.tts_fallbacks_total.inc()
        if self._circuit.fail(trio.current_time(), for_good):
            log.warning("the spare voice speaks", problem=str(error))

    def _well(self) -> None:
        if self._circuit.succeed():
            log.info("the chosen voice is back")


class _Spared:
    """One prompt's speech, by the chosen voice as long as it can."""

    def __init__(self, voice: SparedVoice, chosen: SpeechStream | None, prompt: Prompt, stack: AsyncExitStack) -> None:
        self._voice = voice
        self._chosen = chosen
        self._prompt = replace(prompt, voice="")  # a voice's name means nothing to another backend
        self._stack = stack
        self._spare: SpeechStream | None = None
        self._samples = 0

    async def receive(self) -> SpeechChunk | None:
        if self._chosen is not None:
            try:
                chunk = await self._chosen.receive()
            except SynthesisError as error:
                self._voice._take_over(error)
                self._chosen = None
            else:
                self._voice._well()
                self._samples += len(chunk.slin) // 2 if chunk is not None else 0
                return chunk
        if self._spare is None:
            self._spare = await self._stack.enter_async_context(self._voice._spare.open_speech(self._prompt))
        chunk = await self._spare.receive()
        return None if chunk is None else replace(chunk, words=tuple(map(self._behind, chunk.words)))

    def _behind(self, word: WordMark) -> WordMark:
        """A mark of the spare voice's, behind what the chosen one had said."""
        return WordMark(word.start, word.position + self._samples)
