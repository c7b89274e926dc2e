"""Recordings a caller can speak: a WAV file made 8 kHz slin, or one line that says why it cannot be."""

import wave
from pathlib import Path

import numpy as np
import soxr

from callengine.caller.wire import FRAME_BYTES, SAMPLE_RATE
from callengine.errors import ConfigError


def load_speech(path: Path, option: str = "--play") -> bytes:
    """The speech of a mono 16-bit WAV file as whole 20 ms frames of 8 kHz slin; other rates are resampled.

    Raises ConfigError naming `option` and the file.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except OSError as error:
        raise ConfigError(option, f"cannot read {path}: {error.strerror or error}") from None
    except (wave.Error, EOFError) as error:
        reason = str(error) or "it ends too early"
        raise ConfigError(option, f"{path} is no PCM WAV file ({reason}); give mono, 16 bit") from None
    if channels != 1 or width != 2:
        raise ConfigError(option, f"{path} has {channels} channels of {8 * width} bits; give mono, 16 bit")
    slin = data[: len(data) // 2 * 2] if rate == SAMPLE_RATE else resample(data, rate)
    if not slin:
        raise ConfigError(option, f"{path} holds no sound")
    return slin + bytes(-len(slin) % FRAME_BYTES)


def resample(slin: bytes, rate: int) -> bytes:
    """Mono slin of any rate as 8 kHz slin."""
    samples = np.frombuffer(slin[: len(slin) // 2 * 2], dtype="<i2")
    return bytes(soxr.resample(samples, rate, SAMPLE_RATE).astype("<i2").tobytes())
