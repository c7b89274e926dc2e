"""The voice of espeak-ng: plain, in dozens of languages, and on the machine itself, so that an engine always has one.

Prompts of all calls queue for one process (first come, first served); it makes speech about a thousand times faster
than real time, so a prompt waits milliseconds. A prompt given up half-way costs the others nothing: what the process
still makes of it is read and dropped.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import structlog
import trio

from backends.tts.espeak_frames import SpeakRequest
from backends.tts.espeak_process import COMMAND, SpeakingProcess, WorkerGoneError, open_speaking_process
from callengine.errors import SynthesisError
from callengine.ports.bridge import Bridge
from callengine.ports.synthesis import Prompt, SpeechChunk, SpeechStream
from callengine.voice.speech import speak_whole

log = structlog.get_logger(__name__)

LONGEST_TEXT = 4000  # figures in words are long
MOST_WAITING = 256
_MOST_CHUNKS = 4096  # of one prompt; a text of the greatest length at the slowest pace has about 2400
# BCP-47 to espeak's names; a language alone stands for its first entry.
LANGUAGES = {
    "ru-RU": "ru",
    "en-GB": "en",
    "en-US": "en-us",
    "de-DE": "de",
    "es-ES": "es",
    "fr-FR": "fr",
    "it-IT": "it",
    "kk-KZ": "kk",
    "pl-PL": "pl",
    "tr-TR": "tr",
    "uk-UA": "uk",
}


class _Speech:
    """One prompt's speech between the process and the call that asked for it."""

    def __init__(self, request: SpeakRequest) -> None:
        self.request = request
        self.fault: SynthesisError | None = None
        self.send, self._received = trio.open_memory_channel[SpeechChunk](_MOST_CHUNKS)

    @property
    def abandoned(self) -> bool:
        return self.send.statistics().open_receive_channels == 0

    def abandon(self) -> None:
        self._received.close()

    async def receive(self) -> SpeechChunk | None:
        try:
            return await self._received.receive()
        except trio.EndOfChannel:
            if self.fault is not None:
                raise self.fault from None
            return None


class EspeakVoice:
    """The port's `Synthesizer`; `run` must be running."""

    def __init__(self, process: SpeakingProcess) -> None:
        self._process = process
        self._queue, self._waiting = trio.open_memory_channel[_Speech](MOST_WAITING)

    async def check(self) -> None:
        await speak_whole(self, Prompt("ok", "en-GB"))

    @asynccontextmanager
    async def open_speech(self, prompt: Prompt) -> AsyncIterator[SpeechStream]:
        speech = _Speech(_request(prompt))
        try:
            self._queue.send_nowait(speech)
        except trio.WouldBlock:
            raise SynthesisError(f"espeak: {MOST_WAITING} prompts are waiting already", retryable=True) from None
        try:
            yield speech
        finally:
            speech.abandon()

    async def run(self) -> None:
        """Make the speech of prompts in the order they came, for ever."""
        async for speech in self._waiting:
            with speech.send:
                if not speech.abandoned:
                    await self._make(speech)

    async def _make(self, speech: _Speech) -> None:
        """Make one speech; where the process dies before anything of it went out, once more with another process."""
        for last_try in (False, True):
            sent = False
            try:
                await self._process.ask(speech.request)
                while (chunk := await self._process.receive()) is not None:
                    sent = True
                    _deliver(speech, chunk)
            except WorkerGoneError as error:
                log.warning("espeak_process_gone", detail=str(error))
                if sent or last_try:
                    speech.fault = error
                    return
            except SynthesisError as error:
                speech.fault = error
                return
            else:
                return


def _deliver(speech: _Speech, chunk: SpeechChunk) -> None:
    if not speech.abandoned:
        speech.send.send_nowait(chunk)


def _request(prompt: Prompt) -> SpeakRequest:
    if len(prompt.text) > LONGEST_TEXT:
        problem = f"espeak: a prompt of {len(prompt.text)} characters is too long (at most {LONGEST_TEXT})"
        raise SynthesisError(problem, retryable=False)
    short = prompt.language.split("-")[0]
    voice = LANGUAGES.get(prompt.language) or next(
        (v for tag, v in LANGUAGES.items() if tag.startswith(f"{short}-")), None
    )
    if voice is None:
        have = ", ".join(LANGUAGES)
        raise SynthesisError(f"espeak: no voice for language {prompt.language!r} (there are {have})", retryable=False)
    if prompt.voice:
        voice = f"{voice}+{prompt.voice}"
    return SpeakRequest(prompt.text, prompt.language, voice, prompt.rate)


@asynccontextmanager
async def _open(command: tuple[str, ...]) -> AsyncIterator[EspeakVoice]:
    async with open_speaking_process(command) as process:
        voice = EspeakVoice(process)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(voice.run)
            yield voice
            nursery.cancel_scope.cancel("voice closed")


def open_voice(settings: Any, bridge: Bridge | None) -> AbstractAsyncContextManager[EspeakVoice]:
    """The entry point `espeak`. `Prompt.voice` is a variant of espeak's (`f3`, `m2`), empty for its own."""
    return _open(COMMAND)
