"""What a voice gave the engine, kept: a plug-in around the voice that writes each speech down, with its words.

Told by it, any frame on the wire is known by its bytes: which piece it is of, and where it lies in it. That is an
account of what went out which shares nothing with the engine's own (`Playout`, `history`)."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from callengine.plugins import load_backend
from callengine.ports.bridge import Bridge
from callengine.ports.synthesis import Prompt, SpeechChunk, SpeechStream, Synthesizer
from tests.asterisk.obedient import write_entry_points, write_plugin

INNER, FOLDER = "BENCH_VOICE", "BENCH_SPEECHES"  # variables: the voice's name, where speeches are kept
FRAME_BYTES = 320


@dataclass(slots=True)
class Speech:
    """One prompt's speech as far as it was made. `words`: where each begins in the text, and at which sample."""

    text: str
    slin: bytes = b""
    words: list[tuple[int, int]] = field(default_factory=list)

    def frames(self) -> Iterator[bytes]:
        for at in range(0, len(self.slin), FRAME_BYTES):
            yield self.slin[at : at + FRAME_BYTES].ljust(FRAME_BYTES, b"\0")


def witnessed(folder: Path, voice: str) -> dict[str, str]:
    """Settings of an engine that speaks with `voice`, each speech of which is kept in `folder`."""
    kept, plugins = folder / "speeches", folder / "plugins"
    kept.mkdir(parents=True, exist_ok=True)
    write_entry_points(plugins, "witnessed", f"[callengine.tts]\nwitnessed = {__name__}:open_voice\n")
    path = write_plugin(plugins)
    return {"PYTHONPATH": path, "TTS_BACKEND": "witnessed", INNER: voice, FOLDER: str(kept)}


def kept_speeches(folder: Path) -> list[Speech]:
    """Every speech that was made, in order."""
    found = []
    for path in sorted((folder / "speeches").glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        slin = path.with_suffix(".slin").read_bytes()
        found.append(Speech(told["text"], slin, [(start, position) for start, position in told["words"]]))
    return found


@dataclass(slots=True)
class WitnessedVoice:
    """The port's `Synthesizer` around another one."""

    voice: Synthesizer
    folder: Path
    numbers: "count[int]" = field(default_factory=count)

    async def check(self) -> None:
        await self.voice.check()

    @asynccontextmanager
    async def open_speech(self, prompt: Prompt) -> AsyncIterator[SpeechStream]:
        speech = Speech(prompt.text)
        try:
            async with self.voice.open_speech(prompt) as stream:
                yield _Witnessed(stream, speech)
        finally:
            self._keep(speech)

    def _keep(self, speech: Speech) -> None:
        path = self.folder / f"{next(self.numbers):06d}.json"
        path.with_suffix(".slin").write_bytes(speech.slin)
        path.write_text(json.dumps({"text": speech.text, "words": speech.words}), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Witnessed:
    stream: SpeechStream
    speech: Speech

    async def receive(self) -> SpeechChunk | None:
        chunk = await self.stream.receive()
        if chunk is not None:
            self.speech.slin += chunk.slin
            self.speech.words += [(word.start, word.position) for word in chunk.words]
        return chunk


@asynccontextmanager
async def open_voice(settings: Any, bridge: Bridge) -> AsyncIterator[WitnessedVoice]:
    """The entry point `witnessed`."""
    async with load_backend("callengine.tts", os.environ[INNER])(settings, bridge) as voice:
        yield WitnessedVoice(voice, Path(os.environ[FOLDER]))
