"""Google's Text-to-Speech in a process of its own, by espeak: the stand-in for its voices, on good days and bad.

It says on its standard output where it listens, and ends with its standard input. Faults are a list with commas:
`quota`, `denied`, `too_long`, `away` (UNAVAILABLE), `away_once`, `stall` (no answer at all), `break=N` (a stream breaks
off after N responses), `delay=SECONDS` from a request to its first sound, `wideband` (24 kHz, whatever was asked),
`silent` (no sound).
ListVoices for the language `x-told` tells, as names of voices, what the server was asked. What Google never says it
writes into a folder, where it is given one: every speech it made, where each word of it
begins, and the seconds from the text to the first sound written."""

import asyncio
import contextlib
import io
import itertools
import json
import re
import sys
import time
import wave
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import numpy as np
import soxr

from backends.tts import google_wire as wire
from backends.tts.espeak_library import EspeakLibrary
from backends.tts.shaping import Samples
from tests.own_process import in_own_process, serve_grpc

LANGUAGES = {"ru-RU": "ru", "en-GB": "en", "en-US": "en-us"}
KINDS = ("Chirp3-HD-Aoede", "Chirp3-HD-Kore", "Wavenet-A")
MOST_BYTES = 5000
CHUNK_SECONDS = 0.2
REFUSALS = {
    "quota": (grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded for quota metric 'Chirp3 streaming requests'."),
    "denied": (grpc.StatusCode.PERMISSION_DENIED, "Cloud Text-to-Speech API has not been used in project 1 before."),
    "too_long": (
        grpc.StatusCode.INVALID_ARGUMENT,
        'This request contains sentences that are too long. Sentence starting with: "Есть зимние шины" is too long.',
    ),
    "away": (grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable."),
}
NO_STREAM = "Currently, only Chirp 3: HD voices are supported for streaming synthesis."


@contextlib.contextmanager
def google_voices(faults: str = "", told: Path | None = None) -> Iterator[str]:
    """Run it; gives its `host:port`."""
    with in_own_process("tests.google_voices", faults, *([] if told is None else [str(told)])) as address:
        yield address


@dataclass(slots=True)
class Made:
    """A speech: what is said of it behind its first sound."""

    text: str
    speech: Samples | None = None
    words: list[tuple[int, int]] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)


@dataclass
class Voices:
    """The service. What it was asked is counted."""

    faults: dict[str, float]
    told: Path | None = None
    library: EspeakLibrary = field(default_factory=EspeakLibrary)
    made: "itertools.count[int]" = field(default_factory=itertools.count)
    asked: int = 0
    open: int = 0
    largest: int = 0
    last: str = ""

    async def list_voices(self, request: Any, context: Any) -> Any:
        """ListVoices."""
        if request.language_code == "x-told":
            names = [f"asked={self.asked}", f"open={self.open}", f"largest={self.largest}", f"last={self.last}"]
        else:
            await self._refuse(context, "away", "denied")
            names = [f"{tag}-{kind}" for tag in LANGUAGES if tag.startswith(request.language_code) for kind in KINDS]
        response = wire.ListResponse()
        for name in names:
            response.voices.add(name=name, natural_sample_rate_hertz=24000)
        return response

    async def synthesize(self, request: Any, context: Any) -> Any:
        """SynthesizeSpeech: LINEAR16 comes as a WAV file, PCM without a header."""
        with self._counted():
            asked = asyncio.get_running_loop().time()
            await self._begin(request.voice, context)
            made = Made(request.input.text)
            await self._take(made.text, context)
            config = request.audio_config
            rate = 24000 if "wideband" in self.faults else config.sample_rate_hertz
            samples = self._speak(made, request.voice, config.speaking_rate or 1.0, rate)
            await self._delay(asked)
            self._tell(made)
            return wire.SynthesizeResponse(audio_content=_wav(samples, rate))

    async def stream(self, requests: AsyncIterator[Any], context: Any) -> None:
        """StreamingSynthesize: the configuration, then texts, each spoken as it comes."""
        with self._counted():
            asked = asyncio.get_running_loop().time()
            config = (await anext(requests)).streaming_config
            if not wire.can_stream(config.voice.name):
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, NO_STREAM)
            await self._begin(config.voice, context)
            audio = config.streaming_audio_config
            sent = 0
            async for request in requests:
                made = Made(request.input.text)
                await self._take(made.text, context)
                rate = audio.sample_rate_hertz
                samples = self._speak(made, config.voice, audio.speaking_rate or 1.0, rate)
                await self._delay(asked)
                chunks = max(1, int(len(samples) / rate / CHUNK_SECONDS))
                for number, piece in enumerate(np.array_split(samples, chunks)):
                    if sent == self.faults.get("break"):
                        await context.abort(grpc.StatusCode.UNAVAILABLE, "The stream was broken off.")
                    await context.write(wire.StreamResponse(audio_content=piece.astype("<i2").tobytes()))
                    sent += 1
                    if number == 0:
                        self._tell(made)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        self.asked += 1
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

    async def _begin(self, voice: Any, context: Any) -> None:
        if self.faults.pop("away_once", None) is not None:
            await context.abort(*REFUSALS["away"])
        await self._refuse(context, *REFUSALS)
        tag = "-".join(voice.name.split("-")[:2])
        if tag not in LANGUAGES or voice.name.removeprefix(f"{tag}-") not in KINDS:
            problem = f"Voice '{voice.name}' does not exist. Is it misspelled?"
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, problem)
        if tag != voice.language_code:
            problem = f"Requested language code '{voice.language_code}' doesn't match the voice '{voice.name}'."
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, problem)
        if "stall" in self.faults:
            await asyncio.Event().wait()

    async def _delay(self, asked: float) -> None:
        """The first sound comes so long behind the request, whatever the making of it took."""
        due = asked + self.faults.get("delay", 0.0)
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))

    async def _refuse(self, context: Any, *kinds: str) -> None:
        for kind in kinds:
            if kind in self.faults:
                await context.abort(*REFUSALS[kind])

    async def _take(self, text: str, context: Any) -> None:
        size = len(text.encode())
        self.largest, self.last = max(self.largest, size), text
        if size > MOST_BYTES:
            problem = f"Either `input.text` or `input.ssml` is longer than the limit of {MOST_BYTES} bytes."
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, problem)

    def _speak(self, made: Made, voice: Any, speed: float, rate: int) -> Samples:
        if "silent" in self.faults:
            return np.zeros(0, np.int16)
        pieces: list[Samples] = []
        words: list[tuple[int, int]] = []

        def take(samples: Samples, begun: list[tuple[int, int]]) -> None:
            pieces.append(samples)
            words.extend(begun)

        self.library.set_voice(LANGUAGES[voice.language_code])
        self.library.speak(made.text, speed, take)
        speech = soxr.resample(np.concatenate([*pieces, np.zeros(1, np.int16)]), self.library.rate, rate)
        made.speech, made.words = speech, _word_begins(made.text, words, rate / self.library.rate)
        loudness = 0.2 if "Wavenet" in voice.name else 0.9  # no two families are equally loud
        scaled: Samples = (speech * loudness).astype(np.int16)
        return scaled

    def _tell(self, made: Made) -> None:
        if self.told is None or made.speech is None:
            return
        seconds = time.perf_counter() - made.began
        path = self.told / f"{next(self.made):06d}.json"
        path.with_suffix(".slin").write_bytes(made.speech.astype("<i2").tobytes())
        path.write_text(json.dumps({"text": made.text, "words": made.words, "seconds": seconds}), encoding="utf-8")


def _word_begins(text: str, events: list[tuple[int, int]], scale: float) -> list[tuple[int, int]]:
    """Where each word (a run without white space) begins in the text, and at which sample of the speech."""
    begins: dict[int, int] = {}
    for at, sample in events:
        word = next((found for found in re.finditer(r"\S+", text) if found.start() <= at < found.end()), None)
        if word is not None:
            begins.setdefault(word.start(), round(sample * scale))
    return sorted(begins.items())


def _wav(samples: Samples, rate: int) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return content.getvalue()


async def serve(faults: dict[str, float], told: Path | None) -> None:
    """Serve until standard input closes."""
    voices = Voices(faults, told)
    server = grpc.aio.server()
    handlers = {
        "ListVoices": grpc.unary_unary_rpc_method_handler(
            voices.list_voices, wire.ListRequest.FromString, wire.ListResponse.SerializeToString
        ),
        "SynthesizeSpeech": grpc.unary_unary_rpc_method_handler(
            voices.synthesize, wire.SynthesizeRequest.FromString, wire.SynthesizeResponse.SerializeToString
        ),
        "StreamingSynthesize": grpc.stream_stream_rpc_method_handler(
            voices.stream, wire.StreamRequest.FromString, wire.StreamResponse.SerializeToString
        ),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(wire.SERVICE[1:], handlers),))
    await serve_grpc(server)


def _faults(listed: str) -> dict[str, float]:
    named = (fault.partition("=") for fault in listed.split(",") if fault)
    return {name: float(value or 1) for name, _, value in named}


if __name__ == "__main__":
    asyncio.run(serve(_faults(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
