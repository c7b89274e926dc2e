"""Both sides on one time axis."""

import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from callengine.caller.recording import Recording, open_recording
from callengine.errors import ConfigError


def frame(value: int, samples: int = 160) -> bytes:
    return struct.pack("<h", value) * samples


def read(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)


def test_jitter_is_joined_and_a_hole_is_silence(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with open_recording(path) as recording:
        assert recording is not None
        for at, value in ((0, 1), (190, 2), (310, 3), (1600, 4)):
            recording.put("agent", at, frame(value))
        recording.put("caller", 800, frame(9))
    left, right = read(path).T
    assert right.tolist() == [1] * 160 + [2] * 160 + [3] * 160 + [0] * 1120 + [4] * 160
    assert left.tolist() == [0] * 800 + [9] * 160 + [0] * 800


def test_a_long_call_is_on_disk_while_it_lasts(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with open_recording(path) as recording:
        assert recording is not None
        for tick in range(60 * 50):
            recording.put("caller", tick * 160, frame(tick))
            recording.write(tick * 160)
        assert path.stat().st_size > 58 * 8000 * 4
    left = read(path)[:, 0]
    assert left.tolist() == [tick for tick in range(60 * 50) for _ in range(160)]


def test_a_flood_is_not_followed_for_ever() -> None:
    class NoFile:
        written = 0

        def writeframes(self, data: bytes) -> None:
            self.written += len(data)

    file = NoFile()
    recording = Recording(file)  # type: ignore[arg-type]
    for _ in range(100):
        recording.put("agent", 0, frame(5, 32000))
    recording.finish()
    assert file.written == 10 * 8000 * 4


def test_no_path_no_recording() -> None:
    with open_recording(None) as recording:
        assert recording is None


def test_a_path_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"^--record: cannot write .*: No such file"),
        open_recording(tmp_path / "nowhere" / "call.wav"),
    ):
        pass
