"""Pure audio arithmetic: bytes to samples, samples to the model's rate, and the window of a stream still needed."""

from enum import Enum

import numpy as np
import numpy.typing as npt
import soxr

Samples = npt.NDArray[np.int16]
MODEL_RATE = 16_000


class Encoding(Enum):
    """How the client's bytes hold samples."""

    LINEAR16 = "LINEAR16"
    MULAW = "MULAW"
    ALAW = "ALAW"


def _mulaw_table() -> Samples:
    """ITU-T G.711 µ-law, by its expansion: sign, three bits of exponent, four of mantissa, all inverted."""
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_table() -> Samples:
    """ITU-T G.711 A-law: even bits inverted, then sign, exponent and mantissa."""
    code = np.arange(256) ^ 0x55
    exponent = (code >> 4) & 7
    mantissa = ((code & 0x0F) << 4) + 8
    magnitude = np.where(exponent == 0, mantissa, (mantissa + 0x100) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


_TABLES = {Encoding.MULAW: _mulaw_table(), Encoding.ALAW: _alaw_table()}


class SampleReader:
    """Turns chunks of bytes into samples; keeps the odd byte of a 16-bit sample that a chunk boundary cut."""

    def __init__(self, encoding: Encoding) -> None:
        self._table = _TABLES.get(encoding)
        self._rest = b""

    def read(self, data: bytes) -> Samples:
        """Return all whole samples that are in."""
        if self._table is not None:
            return self._table[np.frombuffer(data, np.uint8)]
        data = self._rest + data
        whole = len(data) & ~1
        self._rest = data[whole:]
        return np.frombuffer(data[:whole], "<i2").astype(np.int16)


class AudioWindow:
    """The part of a stream that may still be decoded, addressed by absolute sample position."""

    def __init__(self) -> None:
        self._samples: Samples = np.empty(0, np.int16)
        self._start = 0

    @property
    def end(self) -> int:
        """The position after the last sample received."""
        return self._start + len(self._samples)

    def append(self, samples: Samples) -> None:
        """Add samples at the end."""
        self._samples = np.concatenate((self._samples, samples))

    def forget_before(self, position: int) -> None:
        """Drop what lies before the position; earlier positions can no longer be read."""
        drop = min(max(position - self._start, 0), len(self._samples))
        self._samples = self._samples[drop:]
        self._start += drop

    def read(self, start: int, end: int) -> Samples:
        """Return a copy of the samples in [start, end) that are still held."""
        return self._samples[max(start - self._start, 0) : max(end - self._start, 0)].copy()


def for_model(samples: Samples, rate: int) -> npt.NDArray[np.float32]:
    """Return samples at 16 kHz in -1..1, as Whisper takes them."""
    scaled = samples.astype(np.float32) / np.float32(32768)
    if rate == MODEL_RATE:
        return scaled
    return np.asarray(soxr.resample(scaled, rate, MODEL_RATE), np.float32)


def quietest_point(samples: Samples, rate: int) -> int:
    """Return the index of the middle of the quietest 100 ms: where a cut does the least harm."""
    span = rate // 10
    if len(samples) <= span:
        return len(samples) // 2
    energy = np.concatenate(([0.0], np.cumsum(samples.astype(np.float64) ** 2)))
    return int(np.argmin(energy[span:] - energy[:-span])) + span // 2
