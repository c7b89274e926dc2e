"""A recogniser that knows some recordings to the sample, and nothing else: what it says is what it was sent.

It goes by the samples that are sound. A recording is recognised where all of them have come, each as it was recorded,
none twice and none between them; what an engine does to silence (zeros where packets are late, and silence left out to
make up for that) is let pass. One frame may be missing, and is told of: Asterisk 22.10 does not pass on the packet
with the sequence number 0. Engines find it as the plug-in `knowing` (`knowing_settings`)."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trio

from callengine.ports.bridge import Bridge
from callengine.ports.recognition import (
    Final,
    RecognizerEvent,
    RecognizerStream,
    SpeechEnded,
    SpeechStarted,
    StreamLimits,
    StreamSpec,
)
from tests.asterisk.heard import SOUND
from tests.asterisk.obedient import write_entry_points, write_plugin
from tests.asterisk.recorded import FRAME_SAMPLES, clip_samples
from tests.speech import FIXTURES, Clip, load

FRAME_BYTES = 2 * FRAME_SAMPLES
LIMITS = StreamLimits(max_seconds=None, idle_seconds=None, max_chunk_bytes=15360, bills_silence=False)
EVENTS = 64  # far more than a call has
SHORT = " (a frame is missing)"
RECORDINGS = [clip for language in ("ru", "en") for clip in load(FIXTURES / language) if len(clip.slin) > 12000]


def sound_of(slin: bytes) -> bytes:
    """The samples that no voice detector can take for silence. Frames need not begin where the recording's did."""
    samples = np.frombuffer(slin, "<i2")
    return samples[np.abs(samples.astype(np.int32)) > SOUND].tobytes()


def new_digest(sound: bytes = b"") -> "hashlib.blake2b":
    """A name for what has been heard so far; it goes on with `update`."""
    return hashlib.blake2b(sound, digest_size=16)


def known(recordings: Sequence[Clip]) -> dict[bytes, str]:
    """The transcript of each recording by the digest of its sound; with a frame missing, it has `SHORT` behind it."""
    texts: dict[bytes, str] = {}
    for clip in recordings:
        slin = clip_samples(clip).astype("<i2").tobytes()
        frames = [sound for at in range(0, len(slin), FRAME_BYTES) if (sound := sound_of(slin[at : at + FRAME_BYTES]))]
        for at in range(len(frames) - 1):  # without the last one it is not over, for all that anyone knows
            texts[new_digest(b"".join(frames[:at] + frames[at + 1 :])).digest()] = clip.text + SHORT
        texts[new_digest(b"".join(frames)).digest()] = clip.text
    return texts


@dataclass(frozen=True, slots=True)
class KnowingRecognizer:
    """The port's `Recognizer`. `texts`: see `known`."""

    texts: Mapping[bytes, str]
    limits: StreamLimits = LIMITS

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        await trio.lowlevel.checkpoint()
        yield _KnowingStream(self.texts)


class _KnowingStream:
    def __init__(self, texts: Mapping[bytes, str]) -> None:
        self._texts = texts
        self._send, self._events = trio.open_memory_channel[RecognizerEvent](EVENTS)
        self._position = 0
        self._heard = new_digest()
        self._began: int | None = None  # of a recording that is not whole yet

    async def send(self, slin: bytes) -> None:
        await trio.lowlevel.checkpoint()
        for at in range(0, len(slin), FRAME_BYTES):
            frame = slin[at : at + FRAME_BYTES]
            begin, self._position = self._position, self._position + len(frame) // 2
            if sound := sound_of(frame):
                self._hear(sound, begin)

    async def finish(self) -> None:
        await trio.lowlevel.checkpoint()
        if self._began is not None:
            self._say("no recording", self._began)
        self._send.close()

    async def receive(self) -> RecognizerEvent | None:
        try:
            return await self._events.receive()
        except trio.EndOfChannel:
            return None

    def _hear(self, sound: bytes, begin: int) -> None:
        if self._began is None:
            self._began = begin
            self._send.send_nowait(SpeechStarted(begin))
        self._heard.update(sound)
        text = self._texts.get(self._heard.copy().digest())
        if text is not None:
            self._say(text, self._began)
            self._heard, self._began = new_digest(), None

    def _say(self, text: str, begin: int) -> None:
        self._send.send_nowait(SpeechEnded(self._position))
        self._send.send_nowait(Final(text, begin, self._position, 1.0))


@asynccontextmanager
async def open_recognizer(settings: Any, bridge: Bridge | None) -> AsyncIterator[KnowingRecognizer]:
    """The entry point `knowing`."""
    await trio.lowlevel.checkpoint()
    yield KnowingRecognizer(known(RECORDINGS))


def knowing_settings(folder: Path) -> dict[str, str]:
    """Settings of an engine that hears with this recogniser; the plug-in is made known in `folder`."""
    plugins = folder / "plugins"
    write_entry_points(plugins, "knowing", f"[callengine.stt]\nknowing = {__name__}:open_recognizer\n")
    return {"PYTHONPATH": write_plugin(plugins), "STT_BACKEND": "knowing"}
