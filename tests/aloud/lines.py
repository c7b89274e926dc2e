"""What a caller says: recorded sentences with pauses between them, and where each of them lies."""

from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np

from callengine.media.audio import RATE
from tests.aloud.noises import Noise
from tests.aloud.overheard import Span, marked
from tests.google_clients import sentences

FRAME = RATE // 50
UNHEARD = 2  # steps of noise
TAIL_SECONDS = 3
LONGEST = 8 * RATE  # bytes of a sentence, 4 s: streams with a shortened limit must have room for one and what comes
LOUD = 300  # above it a frame is speech; the recordings' silences are far under it


@dataclass(frozen=True, slots=True)
class Line:
    """A call's audio, what is said in it, and where: a span for each sentence."""

    language: str
    audio: bytes
    text: str
    spoken: tuple[Span, ...]

    @property
    def tag(self) -> str:
        """BCP-47."""
        return {"ru": "ru-RU", "en": "en-GB"}[self.language]


def line(language: str, count: int, pause: tuple[float, float], lead: float = 1.0, noise: Noise | None = None) -> Line:
    """So many sentences with `pause` seconds between them, the least and the most; `language` is `ru` or `en`."""
    clips = list(islice(cycle(clip for clip in sentences(language) if len(clip.slin) <= LONGEST), count))
    random = np.random.default_rng(2)
    parts, spoken = [bytes(2 * round(lead * RATE))], []
    for clip in clips:
        at = sum(map(len, parts)) // 2
        begin, end = _loud(clip.slin)
        spoken.append((at + begin, at + end))
        parts += [clip.slin, bytes(2 * round(random.uniform(*pause) * RATE))]
    parts.append(bytes(2 * TAIL_SECONDS * RATE))
    audio, places = b"".join(parts), tuple(spoken)
    if noise is not None:
        audio = noise.over(audio, places)
    return Line(language, marked(audio, UNHEARD), " ".join(clip.text for clip in clips), places)


def _loud(slin: bytes) -> Span:
    samples = np.abs(np.frombuffer(slin, "<i2").astype(np.int32))
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).max(axis=1)
    [loud] = np.nonzero(frames > LOUD)
    return int(loud[0]) * FRAME, int(loud[-1] + 1) * FRAME
