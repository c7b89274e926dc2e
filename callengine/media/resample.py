"""Wideband audio of a caller brought to 8 kHz, frame by frame, without losing or shifting a sample.

A filter holds samples back (about 60 ms at soxr's LQ, twice that at HQ: measured): `held` says how many, so that they
are not taken for a hole in the caller's audio."""

import numpy as np
import soxr

from callengine.media.audio import RATE


class Resampler:
    """From any AudioSocket rate to 8 kHz; the rate may change between two messages."""

    __slots__ = ("_held", "_rate", "_stream")

    def __init__(self) -> None:
        self._rate = 0
        self._stream: soxr.ResampleStream | None = None
        self._held = 0.0

    @property
    def held(self) -> int:
        """Samples at 8 kHz that were taken and not given yet."""
        return round(self._held)

    def feed(self, slin: bytes, rate: int) -> bytes:
        """Take slin at `rate`; returns what is ready at 8 kHz, possibly nothing yet."""
        before = b"" if rate == self._rate else self.flush()
        if self._stream is None:
            self._rate = rate
            self._stream = soxr.ResampleStream(rate, RATE, 1, dtype="int16", quality="LQ")
        self._held += len(slin) / 2 * RATE / rate
        return before + self._taken(self._stream.resample_chunk(np.frombuffer(slin, dtype="<i2")))

    def flush(self) -> bytes:
        """What is still held, at 8 kHz: the audio so far has ended (a hole, another rate)."""
        if self._stream is None:
            return b""
        rest = self._taken(self._stream.resample_chunk(np.zeros(0, dtype=np.int16), last=True))
        self._stream, self._held, self._rate = None, 0.0, 0
        return rest

    def _taken(self, samples: "np.ndarray[tuple[int], np.dtype[np.int16]]") -> bytes:
        self._held -= len(samples)
        return bytes(samples.astype("<i2").tobytes())
