"""What sounds on a caller's line besides the caller, so many decibels under the speech."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tests.google_clients import sentences

VOICES = 6  # of a babble


@dataclass(frozen=True, slots=True)
class Noise:
    """`snr`: decibels from the level of the speech (its pauses left out) down to that of the noise."""

    kind: Literal["white", "babble"]
    snr: float

    def over(self, slin: bytes, spoken: tuple[tuple[int, int], ...]) -> bytes:
        """The same sound with the noise over all of it."""
        samples = np.frombuffer(slin, "<i2").astype(np.float64)
        speech = _level(np.concatenate([samples[begin:end] for begin, end in spoken]))
        noise = _white(len(samples)) if self.kind == "white" else _babble(len(samples))
        mixed = samples + noise * speech / _level(noise) / 10 ** (self.snr / 20)
        return bytes(mixed.round().clip(-32768, 32767).astype("<i2").tobytes())


def _level(samples: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def _white(count: int) -> NDArray[np.float64]:
    return np.random.default_rng(3).standard_normal(count)


def _babble(count: int) -> NDArray[np.float64]:
    """Several people of both languages at once, each saying sentences without a pause, from another one on."""
    random = np.random.default_rng(4)
    clips = [np.frombuffer(clip.slin, "<i2").astype(np.float64) for tag in ("ru", "en") for clip in sentences(tag)]
    voices = []
    for _ in range(VOICES):
        said = np.concatenate([clips[number] for number in random.permutation(len(clips))])
        voices.append(np.resize(said / _level(said), count))
    together: NDArray[np.float64] = np.sum(voices, axis=0)
    return together
