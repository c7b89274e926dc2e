"""Find a piece of speech in a recording, by correlation. Pure (numpy)."""

import numpy as np
import numpy.typing as npt

from tests.asterisk.alaw import Samples

Floats = npt.NDArray[np.float64]

ANCHOR = 3200  # 400 ms of speech are found anywhere in a call
TEMPLATE = 480  # 60 ms are found again near where they should be
STEP = 80
SPEECH_RMS = 150.0  # less is too quiet to be told from other quiet
ALIKE = 0.98  # correlation of two pieces of the same speech; A-law alone leaves over 0.995
FOUND = 0.90  # of an anchor, which may hold the damage


class NotHeardError(Exception):
    """The speech is nowhere in what was heard."""


def is_speech(samples: Floats) -> bool:
    """Loud enough to be told from other speech."""
    return bool(np.sqrt(np.mean(samples**2)) >= SPEECH_RMS)


def find_anchor(said: Samples, heard: Samples) -> tuple[int, int]:
    """Where in each an undamaged 60 ms of the speech begin. Raises NotHeardError."""
    for begin in range(0, max(1, len(said) - ANCHOR + 1), ANCHOR // 4):
        template = said[begin : begin + ANCHOR].astype(np.float64)
        if not is_speech(template):
            continue
        alike = _correlation(template, heard.astype(np.float64))
        if len(alike) and alike.max() >= FOUND:
            return _settled(template, heard, begin, int(np.argmax(alike)))
    raise NotHeardError("the speech is nowhere in what was heard")


def best_place(template: Floats, window: Floats, unmoved: int) -> int | None:
    """Where in the window the template is; where it has not moved, rather than where something is as alike."""
    alike = _correlation(template, window)
    if not len(alike):
        return None
    if unmoved < len(alike) and alike[unmoved] >= max(ALIKE, float(alike.max()) - 0.002):
        return unmoved
    best = int(np.argmax(alike))
    return best if alike[best] >= ALIKE else None


def gain_of(said: Samples, heard: Samples) -> float:
    """How much louder the same speech was heard: the middle of all samples but quiet ones, so that clipping does not
    count."""
    length = min(len(said), len(heard))
    one, other = said[:length].astype(np.float64), heard[:length].astype(np.float64)
    loud = np.abs(one) > np.sqrt(np.mean(one**2)) / 2
    return float(np.median(other[loud] / one[loud]))


def _settled(template: Floats, heard: Samples, said: int, place: int) -> tuple[int, int]:
    """Within an anchor, which may hold a difference: its piece of 60 ms that is most alike."""
    pieces = range(0, max(1, len(template) - TEMPLATE + 1), STEP)
    alike = [_alikeness(template[at : at + TEMPLATE], heard[place + at :][:TEMPLATE]) for at in pieces]
    at = pieces[int(np.argmax(alike))]
    return said + at, place + at


def _alikeness(one: Floats, other: Samples) -> float:
    norm = float(np.linalg.norm(one) * np.linalg.norm(other.astype(np.float64)))
    return float(one @ other) / norm if norm and is_speech(one) else 0.0


def _correlation(template: Floats, window: Floats) -> Floats:
    """The normalised correlation of the template with every place of the window."""
    places = len(window) - len(template) + 1
    if places < 1:
        return np.zeros(0)
    size = 1 << (len(window) + len(template) - 1).bit_length()
    spectrum = np.fft.rfft(window, size) * np.conj(np.fft.rfft(template, size))
    dots = np.fft.irfft(spectrum, size)[:places]
    power = np.concatenate(([0.0], np.cumsum(window**2)))
    norms = np.sqrt(np.maximum(power[len(template) :] - power[:places], 1.0)) * np.linalg.norm(template)
    return np.asarray(dots / norms)
