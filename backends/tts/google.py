"""The voices of Google Cloud Text-to-Speech, over gRPC.

Facts: cloud.google.com/text-to-speech (quotas, chirp3-hd). Its speech has no times of its words: these are told by
proportion. Every voice is brought to one level; level and pace are measured over what it has said so far."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import trio

from backends.addresses import GOOGLE_VOICE, address_of
from backends.google_cloud.channel import way_in
from backends.grpc_channels import CHANNEL_OPTIONS, open_connections
from backends.tts import google_wire as wire
from backends.tts.google_speech import Answers, Service, Streaming, Unary, patiently
from backends.tts.pace import Pace, Words
from backends.tts.shaping import TAIL, Level, Shaper
from callengine.errors import SynthesisError
from callengine.ports.bridge import Bridge
from callengine.ports.synthesis import Prompt, SpeechChunk, SpeechStream, Spoken

CHECK_SECONDS = 10.0
CALLS_PER_CHANNEL = 100  # a call asks for speech during a small part of its time
CHUNK_BYTES = 6400  # 400 ms, shaped at a time: under a tenth of a millisecond
_SHOWN = 6


class GoogleVoice:
    """The port's `Synthesizer`."""

    def __init__(self, service: Service, language: str, voices: str) -> None:
        self._service = service
        self._language = language
        self._voices = voices
        self._manners: dict[str, _Manner] = {}

    async def check(self) -> None:
        """Ask for the voices of the language: ours must be among them. Raises SynthesisError."""
        bridge = self._service.bridge
        listed = await patiently(self._service, CHECK_SECONDS, lambda: bridge.run(self._list))
        names = sorted(voice.name for voice in listed.voices)
        where = f"{self._service.where}: has no voice"
        if not names:
            raise SynthesisError(f"{where} for {self._language}", retryable=False, setting="CALL_LANGUAGE")
        wanted = wire.voice_name("", self._language, self._voices)
        if wanted not in names:
            shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
            problem = f"{where} {wanted!r} for {self._language} (there are {shown})"
            raise SynthesisError(problem, retryable=False, setting="GOOGLE_TTS_VOICE")

    @asynccontextmanager
    async def open_speech(self, prompt: Prompt) -> AsyncIterator[SpeechStream]:
        name = wire.voice_name(prompt.voice, prompt.language, self._voices)
        answers = (Streaming if wire.can_stream(name) else Unary)(self._service, name, prompt)
        try:
            # The whole text, spaces among it, is what Google counts (cloud.google.com/text-to-speech/pricing); no SSML.
            billed = Spoken(wire.product_of(name), sum(map(len, wire.inputs(prompt.text))))
            yield _Speech(answers, prompt, self._manners.setdefault(name, _Manner()), billed)
        finally:
            answers.cancel()

    async def _list(self) -> Any:
        method = self._service.channel().unary_unary(
            f"{wire.SERVICE}/ListVoices",
            request_serializer=wire.ListRequest.SerializeToString,
            response_deserializer=wire.ListResponse.FromString,
        )
        return await method(wire.ListRequest(language_code=self._language), timeout=CHECK_SECONDS)


@dataclass(frozen=True, slots=True)
class _Manner:
    """What is known of a voice by what it has said."""

    level: Level = field(default_factory=Level)
    pace: Pace = field(default_factory=Pace)


class _Speech:
    """Raw samples on their way to chunks: levelled, their ends without clicks, their words marked."""

    def __init__(self, answers: Answers, prompt: Prompt, manner: _Manner, billed: Spoken) -> None:
        self._answers = answers
        self._billed: Spoken | None = billed
        self._prompt = prompt
        self._manner = manner
        self._shaper: Shaper | None = None
        self._words = Words("", 0.0)
        self._raw = bytearray()
        self._fresh = not manner.level.known  # all of this speech is waited for
        self._ended = False
        self._said = 0  # samples

    async def receive(self) -> SpeechChunk | None:
        while self._raw or not self._ended:
            await trio.lowlevel.checkpoint()
            if len(self._raw) < CHUNK_BYTES and not self._ended:
                await self._more()
            elif slin := self._shaped():
                return self._chunk(slin)
        return await self._end()

    async def _more(self) -> None:
        """Take what comes; the first speech of a voice is taken whole, for its level is not known yet."""
        try:
            raw = await self._answers.receive()
            while raw is not None and self._fresh:
                self._raw += raw
                raw = await self._answers.receive()
        except SynthesisError as error:
            raise _blame(error, self._prompt) from error
        self._ended = raw is None
        self._raw += raw or b""
        if self._ended and len(self._raw) % 2:
            del self._raw[-1]

    def _shaped(self) -> bytes:
        taken = bytes(self._raw[:CHUNK_BYTES])
        del self._raw[:CHUNK_BYTES]
        samples = np.frombuffer(taken, "<i2").astype(np.int16)
        if self._shaper is None:
            if self._fresh:
                whole = np.frombuffer(taken + bytes(self._raw), "<i2").astype(np.int16)
                self._manner.level.hear(whole)
                self._manner.pace.hear(self._prompt.text, len(whole), self._prompt.rate)
            self._shaper = Shaper(self._manner.level.gain)
            per_character = self._manner.pace.samples_per_character / self._prompt.rate
            self._words = Words(self._prompt.text, per_character)
        if not self._fresh:
            self._manner.level.hear(samples)
        return self._shaper.feed(samples).astype("<i2").tobytes()

    async def _end(self) -> SpeechChunk | None:
        await trio.lowlevel.checkpoint()
        shaper, self._shaper = self._shaper, None
        tail = shaper.finish().astype("<i2").tobytes() if shaper is not None else b""
        if tail:
            if not self._fresh:
                spoken = self._said + max(len(tail) // 2 - TAIL, 0)
                self._manner.pace.hear(self._prompt.text, spoken, self._prompt.rate)
            return self._chunk(tail, last=True)
        if not self._said:
            raise SynthesisError("Google sent no sound for a prompt", retryable=True)
        return None

    def _chunk(self, slin: bytes, *, last: bool = False) -> SpeechChunk:
        begin, self._said = self._said, self._said + len(slin) // 2
        billed, self._billed = self._billed, None
        return SpeechChunk(slin, self._words.begun(begin, self._said, last=last), billed)


def _blame(error: SynthesisError, prompt: Prompt) -> SynthesisError:
    """The same error; where the agent file chose the voice that is refused, that is the setting to look at."""
    if error.setting == "GOOGLE_TTS_VOICE" and prompt.voice:
        problem = f"voice = {prompt.voice!r}: {error}"
        return SynthesisError(problem, retryable=error.retryable, setting="AGENT_FILE")
    return error


@asynccontextmanager
async def open_voice(settings: Any, bridge: Bridge) -> AsyncIterator[GoogleVoice]:
    """The entry point `google`. Raises ConfigError for an endpoint or credentials that cannot be used."""
    endpoint, location = settings.google_tts_endpoint, settings.google_tts_location
    address, plaintext = address_of(endpoint, GOOGLE_VOICE, location, "GOOGLE_TTS_ENDPOINT")
    _, connect = await way_in(settings, address, plaintext, CHANNEL_OPTIONS)
    count = max(1, -(-settings.max_calls // CALLS_PER_CHANNEL))
    async with open_connections(bridge, connect, count) as channels:
        service = Service(bridge, channels, f"Google's voice at {address}")
        yield GoogleVoice(service, settings.call_language, settings.google_tts_voice)
