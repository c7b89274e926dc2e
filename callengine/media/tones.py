"""Tones in a caller's audio: fax machines (ITU-T T.30, section 4.3.3: CNG 1100 Hz, CED 2100 Hz) and answering machines'
beeps, of any pitch. Pure.

A spectrum a block and not Goertzel's one line of it: a beep has no agreed pitch. All blocks of a look in one call of
numpy: 2.1 to 2.6 us for 20 ms of a loud line, 0.25 us of a quiet one (`python -m tests.bench.tones`)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from callengine.media.audio import RATE

BLOCK_SAMPLES = RATE // 20  # 50 ms: lines 20 Hz apart
LOWEST_HZ, HIGHEST_HZ = 400.0, 2300.0  # below, a voice's own low vowels are as pure
PURE = 0.9  # of a block's power within two lines of its strongest: no voice does that for long
QUIETEST = 100.0  # root mean square of the samples: -50 dBFS
STEADY_HZ = 15.0  # one tone, from block to block
SHORTEST_BLOCKS = 3
GAP_BLOCKS = 1  # answering modems turn the phase every 0.45 s (V.25): a block with a turn is not pure

_LINE_HZ = RATE / BLOCK_SAMPLES
_AROUND = np.arange(-2, 3)
_WINDOW = np.hanning(BLOCK_SAMPLES).astype(np.float32)
_WINDOW_POWER = float((_WINDOW**2).sum()) * BLOCK_SAMPLES / 2


@dataclass(frozen=True, slots=True)
class Tone:
    """A steady tone; positions are samples, exact to a block."""

    hertz: float
    begin: int
    end: int


class ToneListener:
    """One call's audio, from its first sample on. `position`: what comes before has been looked at."""

    def __init__(self) -> None:
        self.position = 0
        self._run: Tone | None = None

    def feed(self, slin: bytes) -> list[Tone]:
        """The tones that ended in the audio from `position` on; what is no whole block is left for the next time."""
        blocks = len(slin) // 2 // BLOCK_SAMPLES
        ended = []
        for hertz in pitches(slin[: blocks * BLOCK_SAMPLES * 2]) if blocks else ():
            if (tone := self._take(float(hertz))) is not None:
                ended.append(tone)
            self.position += BLOCK_SAMPLES
        return ended

    def skip(self, position: int) -> None:
        """Audio before `position` is not there any more."""
        self.position, self._run = position, None

    def _take(self, hertz: float) -> Tone | None:
        run, here, after = self._run, self.position, self.position + BLOCK_SAMPLES
        if run is not None and hertz and abs(hertz - run.hertz) <= STEADY_HZ:
            self._run = Tone(run.hertz, run.begin, after)
            return None
        if run is not None and here - run.end < GAP_BLOCKS * BLOCK_SAMPLES:
            return None
        self._run = Tone(hertz, here, after) if hertz else None
        long_enough = run is not None and run.end - run.begin >= SHORTEST_BLOCKS * BLOCK_SAMPLES
        return run if long_enough else None


def pitches(slin: bytes) -> NDArray[np.float32]:
    """The pitch of every block in Hz, 0 for one that is no pure tone."""
    samples = np.frombuffer(slin, "<i2").reshape(-1, BLOCK_SAMPLES)
    if samples.max() < QUIETEST:  # most of a call's beginning: the greeting is listened to
        return np.zeros(len(samples), np.float32)
    spectrum = np.fft.rfft(samples * _WINDOW)
    power = spectrum.real**2 + spectrum.imag**2
    strongest = power[:, 2:-2].argmax(axis=1) + 2
    lines = np.take_along_axis(power, strongest[:, None] + _AROUND, axis=1)
    whole = power.sum(axis=1)
    pure = (lines.sum(axis=1) >= PURE * whole) & (whole >= QUIETEST**2 * _WINDOW_POWER)
    if not pure.any():
        return np.zeros(len(samples), np.float32)
    left, middle, right = np.log(lines[:, 1:4].T + 1.0)
    curve = left - 2 * middle + right
    off = np.divide(left - right, 2 * curve, out=np.zeros_like(curve), where=curve != 0)
    hertz = (strongest + off) * _LINE_HZ
    return np.where(pure & (hertz >= LOWEST_HZ) & (hertz <= HIGHEST_HZ), hertz, 0.0).astype(np.float32)
