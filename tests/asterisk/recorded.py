"""Backends for these tests: a voice of recorded speech, known to the sample, and a recogniser that keeps what it hears.

Engines find them as the plug-ins `recorded` and `keeping` (`recorded_settings`). The voice has been through A-law, so
that a telephone line leaves it as it is."""

import itertools
import os
import re
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import trio

from backends.stt.scripted import ScriptedRecognizer
from callengine.ports.bridge import Bridge
from callengine.ports.recognition import RecognizerEvent, RecognizerStream, StreamLimits, StreamSpec
from callengine.ports.synthesis import Prompt, SpeechChunk, SpeechStream, WordMark
from tests.asterisk.alaw import Samples, through_alaw
from tests.asterisk.obedient import write_entry_points, write_plugin
from tests.speech import FIXTURES, Clip, load

CLIPS = [clip for clip in load(FIXTURES / "ru") if len(clip.slin) > 16000]  # a second and more
TEXTS = ("Есть зимние шины?", "А сколько стоят?", "Хорошо, спасибо.")
KEPT = "TESTS_KEPT_AUDIO"  # the variable with the folder
FRAME_SAMPLES = 160
LIMITS = StreamLimits(max_seconds=None, idle_seconds=None, max_chunk_bytes=15360, bills_silence=False)


def clip_samples(clip: Clip) -> Samples:
    """A clip as a telephone line carries it, in whole frames."""
    samples = np.frombuffer(clip.slin, "<i2")
    return through_alaw(np.pad(samples, (0, -len(samples) % FRAME_SAMPLES)))


def clips_of(text: str) -> list[Samples]:
    """What the voice says: a clip for each word, which ones is up to the text."""
    first = zlib.crc32(text.encode())
    return [clip_samples(CLIPS[(first + n) % len(CLIPS)]) for n in range(len(text.split()))]


def speech_of(text: str) -> Samples:
    """All of it."""
    return np.concatenate(clips_of(text))


@dataclass(frozen=True, slots=True)
class RecordedVoice:
    """The port's `Voice`: has every prompt at hand."""

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    def cached(self, prompt: Prompt) -> SpeechChunk | None:
        begins = itertools.accumulate((len(clip) for clip in clips_of(prompt.text)), initial=0)
        words = zip(re.finditer(r"\S+", prompt.text), begins, strict=False)
        marks = tuple(WordMark(word.start(), begin) for word, begin in words)
        return SpeechChunk(speech_of(prompt.text).astype("<i2").tobytes(), marks)

    async def warm(self, prompts: tuple[Prompt, ...]) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_speech(self, prompt: Prompt) -> AsyncIterator[SpeechStream]:
        yield _Whole(self.cached(prompt))


@dataclass(slots=True)
class _Whole:
    chunk: SpeechChunk | None

    async def receive(self) -> SpeechChunk | None:
        await trio.lowlevel.checkpoint()
        chunk, self.chunk = self.chunk, None
        return chunk


@dataclass(frozen=True, slots=True)
class KeepingRecognizer:
    """The port's `Recognizer`: scripted, and every stream's audio goes into a file of `folder`."""

    folder: Path
    script: ScriptedRecognizer = field(default_factory=lambda: ScriptedRecognizer(TEXTS))
    limits: StreamLimits = LIMITS
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        with (self.folder / f"{next(self.numbers)}.slin").open("wb", buffering=0) as file:
            async with self.script.open_stream(spec, hints) as stream:
                yield _KeepingStream(stream, file)


@dataclass(frozen=True, slots=True)
class _KeepingStream:
    stream: RecognizerStream
    file: IO[bytes]

    async def send(self, slin: bytes) -> None:
        self.file.write(slin)
        await self.stream.send(slin)

    async def finish(self) -> None:
        await self.stream.finish()

    async def receive(self) -> RecognizerEvent | None:
        return await self.stream.receive()


@asynccontextmanager
async def open_voice(settings: Any, bridge: Bridge | None) -> AsyncIterator[RecordedVoice]:
    """The entry point `recorded`."""
    await trio.lowlevel.checkpoint()
    yield RecordedVoice()


@asynccontextmanager
async def open_recognizer(settings: Any, bridge: Bridge | None) -> AsyncIterator[KeepingRecognizer]:
    """The entry point `keeping`."""
    await trio.lowlevel.checkpoint()
    yield KeepingRecognizer(Path(os.environ[KEPT]))


def recorded_settings(folder: Path) -> dict[str, str]:
    """Settings of an engine that speaks and hears with these backends; streams are kept in `folder`/kept."""
    kept, plugins = folder / "kept", folder / "plugins"
    kept.mkdir(exist_ok=True)
    points = (
        f"[callengine.tts]\nrecorded = {__name__}:open_voice\n[callengine.stt]\nkeeping = {__name__}:open_recognizer\n"
    )
    write_entry_points(plugins, "recorded", points)
    return {
        "PYTHONPATH": write_plugin(plugins),
        "TTS_BACKEND": "recorded",
        "STT_BACKEND": "keeping",
        KEPT: str(kept),
    }


def kept_audio(folder: Path, stream: int = 0) -> Samples:
    """What a recogniser's stream got, the first of the engine by default."""
    return np.frombuffer((folder / "kept" / f"{stream}.slin").read_bytes(), "<i2")
