"""Recordings a caller can speak, and those it cannot."""

import wave
from pathlib import Path

import numpy as np
import pytest

from callengine.caller.address import parse_address
from callengine.caller.speech import load_speech
from callengine.errors import ConfigError


def write_wav(path: Path, *, rate: int = 8000, channels: int = 1, width: int = 2, seconds: float = 0.5) -> Path:
    samples = (8000 * np.sin(2 * np.pi * 400 * np.arange(int(rate * seconds)) / rate)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(samples.tobytes() * channels if width == 2 else bytes(samples.size * channels * width))
    return path


def test_eight_kilohertz_is_taken_as_it_is(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", seconds=0.51)
    with wave.open(str(path)) as file:
        data = file.readframes(file.getnframes())
    slin = load_speech(path)
    assert slin[: len(data)] == data
    assert len(slin) == 26 * 320
    assert not any(slin[len(data) :])


@pytest.mark.parametrize("rate", [16000, 44100, 11025])
def test_other_rates_are_resampled(tmp_path: Path, rate: int) -> None:
    slin = np.frombuffer(load_speech(write_wav(tmp_path / "a.wav", rate=rate)), "<i2").astype(float)
    assert abs(slin.size - 4000) <= 160
    spectrum = np.abs(np.fft.rfft(slin[:4000]))
    assert abs(int(spectrum.argmax()) * 2 - 400) <= 4


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"channels": 2}, "has 2 channels of 16 bits; give mono, 16 bit"),
        ({"width": 1}, "has 1 channels of 8 bits; give mono, 16 bit"),
        ({"seconds": 0}, "holds no sound"),
    ],
)
def test_what_cannot_be_spoken_is_one_line(tmp_path: Path, change: dict[str, int], problem: str) -> None:
    path = write_wav(tmp_path / "a.wav", **change)
    with pytest.raises(ConfigError) as caught:
        load_speech(path)
    assert str(caught.value) == f"--play: {path} {problem}"


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a sound at all", b"RIFF\x10\0\0\0WAVEfmt \x01\0\0\0a"])
def test_what_is_no_wav_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"^--speak: .* is no PCM WAV file \(.+\); give mono, 16 bit$"):
        load_speech(path, "--speak")


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--play: cannot read .*: No such file or directory$"):
        load_speech(tmp_path / "none.wav")


@pytest.mark.parametrize(
    ("text", "address"),
    [("localhost:9092", ("localhost", 9092)), ("[::1]:1", ("::1", 1)), ("10.0.0.1:65535", ("10.0.0.1", 65535))],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "host", ":9092", "host:", "host:0", "host:65536", "host:-1", "host:x", "host:٣"])
def test_what_is_no_address_is_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match="HOST:PORT"):
        parse_address(text)
