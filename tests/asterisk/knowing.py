"""A recogniser that knows some recordings to the sample, and nothing else: what it says is what it was sent.

It goes by the frames that are sound. A recording is recognised where all of them have come, each sample as it was
recorded, none twice and none between them; what an engine does to silence (zeros where packets are late, and silence
left out to make up for that) is let pass. One frame may be missing, and is told of: Asterisk 22.10 does not pass on
the packet with the sequence number 0. Engines find it as the plug-in `knowing` (`knowing_settings`)."""

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


def sound_of(slin: bytes) -> list[bytes]:
    """The frames that are no silence."""
    frames = (slin[begin : begin + FRAME_BYTES] for begin in range(0, len(slin), FRAME_BYTES))
    return [frame for frame in frames if is_sound(frame)]


def is_sound(frame: bytes) -> bool:
    """What a voice detector may not take for silence."""
    return int(np.abs(np.frombuffer(frame, "<i2").astype(np.int32)).max()) > SOUND


def new_digest(frames: Sequence[bytes] = ()) -> "hashlib.blake2b":
    """A digest that goes on from these frames."""
    return hashlib.blake2b(b"".join(frames), digest_size=16)


def known(recordings: Sequence[Clip]) -> dict[bytes, str]:
    """The transcript of each recording by the digest of its sound; of each with a frame missing, with `SHORT` behind.

    Raises ValueError where one begins with another: only the first of them would ever be heard."""
    texts: dict[bytes, str] = {}
    beginnings: set[bytes] = set()
    for clip in recordings:
        frames = sound_of(clip_samples(clip).astype("<i2").tobytes())
        for at in range(len(frames) - 1):  # without the last one it is not over, for all that anyone knows
            begun = new_digest(frames[:at])
            beginnings.add(begun.digest())
            begun.update(b"".join(frames[at + 1 :]))
            texts[begun.digest()] = clip.text + SHORT
        texts[new_digest(frames).digest()] = clip.text
    if not beginnings.isdisjoint(texts):
        raise ValueError("a recording begins with another")
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
        self._rest = b""
        self._position = 0
        self._heard = new_digest()
        self._frames = 0  # of a recording that is not whole yet
        self._began = 0

    async def send(self, slin: bytes) -> None:
        await trio.lowlevel.checkpoint()
        self._rest += slin
        while len(self._rest) >= FRAME_BYTES:
            frame, self._rest = self._rest[:FRAME_BYTES], self._rest[FRAME_BYTES:]
            if is_sound(frame):
                self._hear(frame)
            self._position += FRAME_SAMPLES

    async def finish(self) -> None:
        await trio.lowlevel.checkpoint()
        if self._frames:
            self._say(f"no recording: {self._frames} frames", self._position)
        self._send.close()

    async def receive(self) -> RecognizerEvent | None:
        try:
            return await self._events.receive()
        except trio.EndOfChannel:
            return None

    def _hear(self, frame: bytes) -> None:
        if not self._frames:
            self._began = self._position
            self._send.send_nowait(SpeechStarted(self._began))
        self._frames += 1
        self._heard.update(frame)
        text = self._texts.get(self._heard.copy().digest())
        if text is not None:
            self._say(text, self._position + FRAME_SAMPLES)
            self._heard, self._frames = new_digest(), 0

    def _say(self, text: str, end: int) -> None:
        self._send.send_nowait(SpeechEnded(end))
        self._send.send_nowait(Final(text, self._began, end, 1.0))


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
