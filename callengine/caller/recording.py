"""Both sides of a call in one stereo WAV on one time axis: the caller left, the agent right, written as it goes."""

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np

from callengine.caller.wire import SAMPLE_RATE
from callengine.errors import ConfigError

Side = Literal["caller", "agent"]
_COLUMN: dict[Side, int] = {"caller": 0, "agent": 1}
# Frames come a few ms early or late; a hole is what no jitter explains.
_HOLE_SAMPLES = SAMPLE_RATE * 40 // 1000
# A server that sends far ahead of time is not followed for ever: a phone would have thrown it away too.
_AHEAD_SAMPLES = 10 * SAMPLE_RATE
_BEHIND_SAMPLES = SAMPLE_RATE // 5


class Recording:
    """Places each side's audio at the time it was sent or came; positions are samples since the call began."""

    def __init__(self, file: wave.Wave_write) -> None:
        self._file = file
        self._start = 0
        self._window = np.zeros((_AHEAD_SAMPLES, 2), dtype="<i2")
        self._cursors: dict[Side, int] = {"caller": 0, "agent": 0}

    def put(self, side: Side, position: int, slin: bytes) -> None:
        """Audio of one side: joined to what that side last said, unless a hole lies between."""
        cursor = max(self._cursors[side], self._start)
        if position - cursor > _HOLE_SAMPLES:
            cursor = position
        samples = np.frombuffer(slin, dtype="<i2")
        offset = cursor - self._start
        samples = samples[: max(0, _AHEAD_SAMPLES - offset)]
        self._window[offset : offset + samples.size, _COLUMN[side]] = samples
        self._cursors[side] = cursor + samples.size

    def write(self, now: int) -> None:
        """Put on disk what can no longer change, once there is a second of it; `now` as a position."""
        ready = now - _BEHIND_SAMPLES - self._start
        if ready >= SAMPLE_RATE:
            self._flush(ready)

    def finish(self) -> None:
        """Put the rest on disk."""
        self._flush(max(self._cursors.values()) - self._start)

    def _flush(self, samples: int) -> None:
        # A stall of ours may be longer than the window; what lies beyond it is silence.
        while samples > 0:
            part = min(samples, _AHEAD_SAMPLES)
            self._file.writeframes(self._window[:part].tobytes())
            self._window[: _AHEAD_SAMPLES - part] = self._window[part:].copy()
            self._window[_AHEAD_SAMPLES - part :] = 0
            self._start += part
            samples -= part


@contextmanager
def open_recording(path: Path | None) -> Iterator[Recording | None]:
    """A recording at `path`, or none for None. Raises ConfigError where the file cannot be made."""
    if path is None:
        yield None
        return
    try:
        target = path.open("wb")
    except OSError as error:
        raise ConfigError("--record", f"cannot write {path}: {error.strerror or error}") from None
    with target, wave.open(target, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        recording = Recording(file)
        try:
            yield recording
        finally:
            recording.finish()
