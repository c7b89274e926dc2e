"""Make a voice's raw speech fit to be joined with other speech: level, silence at the ends, fades. Pure (numpy)."""

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

RATE = 8000
LEVEL_DBFS = -20.0  # RMS of the speech itself; telephone prompts sit between -22 and -18
QUIET = 100  # an amplitude under -50 dBFS is silence
LEAD_IN = 160  # samples of silence kept before the first sound
TAIL = 1600  # and after the last: the pause of a full stop
FADE = 40  # 5 ms
KNEE = 0.7  # of full scale: what is louder is pressed together, so that nothing is clipped
_WINDOW = 160
_SILENT = 100.0  # power of a window: under -70 dBFS there is nothing


def gain_for(reference: Samples) -> float:
    """The factor that brings speech to `LEVEL_DBFS`, measured over the 20 ms windows of it that are not silence."""
    level = Level()
    level.hear(reference)
    return level.gain


class Level:
    """How loud a voice is, over the 20 ms windows of all it was heard to say that are not silence."""

    def __init__(self) -> None:
        self._power = 0.0
        self._windows = 0

    @property
    def known(self) -> bool:
        return self._windows > 0

    @property
    def gain(self) -> float:
        """The factor that brings the voice to `LEVEL_DBFS`; 1 while it is not known."""
        if not self.known:
            return 1.0
        return float(32768 * 10 ** (LEVEL_DBFS / 20) / np.sqrt(self._power / self._windows))

    def hear(self, samples: Samples) -> None:
        """Take raw speech into the measure."""
        windows = samples[: len(samples) // _WINDOW * _WINDOW].astype(np.float64).reshape(-1, _WINDOW)
        power = np.mean(windows**2, axis=1)
        active = power[power > max(np.max(power, initial=0.0) / 1000, _SILENT)]
        self._power += float(np.sum(active))
        self._windows += len(active)


class Shaper:
    """Shapes one prompt's speech, fed in pieces of any size. `skipped` samples of silence were cut off its front."""

    def __init__(self, gain: float) -> None:
        self._gain = gain
        self._held: Samples = np.zeros(0, np.int16)
        self._started = False
        self.skipped = 0

    def feed(self, raw: Samples) -> Samples:
        """The samples that can go out now; the last sound is held back until it is known what follows it."""
        louder = _limited(raw.astype(np.float64) * self._gain)
        held = np.concatenate((self._held, louder))
        loud = np.flatnonzero(np.abs(held) > QUIET)
        if not self._started:
            cut = max(0, (int(loud[0]) if len(loud) else len(held)) - LEAD_IN)
            self.skipped += cut
            held = held[cut:]
            if not len(loud):
                self._held = held
                return held[:0]
            loud -= cut
            self._started = True
            held[:FADE] = _faded(held[:FADE], rising=True)
        ready = max(0, int(loud[-1]) + 1 - FADE) if len(loud) else 0
        self._held = held[ready:]
        return held[:ready]

    def finish(self) -> Samples:
        """The end of the speech: the last sound and at most `TAIL` samples of silence, faded out."""
        if not self._started:
            return self._held[:0]
        loud = np.flatnonzero(np.abs(self._held) > QUIET)
        end = (int(loud[-1]) + 1 if len(loud) else 0) + TAIL
        held = self._held[:end]
        held[-FADE:] = _faded(held[-FADE:], rising=False)
        self._held = self._held[:0]
        return held


def _limited(samples: npt.NDArray[np.float64]) -> Samples:
    """Samples as 16 bits, the peaks above the knee bent to stay under full scale, each sample by itself."""
    size = np.abs(samples) / 32767
    if np.max(size, initial=0.0) > KNEE:
        bent = KNEE + (1 - KNEE) * np.tanh((size - KNEE) / (1 - KNEE))
        samples = np.where(size > KNEE, np.sign(samples) * bent * 32767, samples)
    return np.rint(samples).astype(np.int16)


def _faded(samples: Samples, *, rising: bool) -> Samples:
    ramp = np.linspace(0.0, 1.0, len(samples))
    return (samples * (ramp if rising else ramp[::-1])).astype(np.int16)
