"""What the callers of the recogniser's bench say: recorded prompts with silence between them, each line its own."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from whisper_server.endpointing import Ended, Endpointer, Started
from whisper_server.request import SILENCE_MS
from whisper_server.vad import WINDOW_MS, Silero, VoiceStream

from tests.google_clients import sentences

RATE = 8000
LANGUAGES = ("ru", "en")
SENSITIVITY = "SHORT"
_SILERO = Silero()


@dataclass(frozen=True, slots=True)
class Spoken:
    """An utterance as voice detection cuts it: samples [start, end), in which speech is [onset, at).

    That it is over is known at the sample `known`.
    """

    start: int
    onset: int
    end: int
    at: int
    known: int


@dataclass(frozen=True, slots=True)
class Caller:
    """One line: its samples at 8 kHz, what is said in all of it, and its utterances."""

    language: str
    samples: npt.NDArray[np.int16]
    text: str
    spoken: tuple[Spoken, ...]


def callers(count: int, seconds: float) -> list[Caller]:
    """Return so many lines of about this length; the same ones each time."""
    return [_caller(index, seconds) for index in range(count)]


def _caller(index: int, seconds: float) -> Caller:
    language = LANGUAGES[index % len(LANGUAGES)]
    clips = sentences(language)
    random = np.random.default_rng(index)
    parts: list[npt.NDArray[np.int16]] = []
    texts: list[str] = []
    while sum(len(part) for part in parts) < seconds * RATE:
        clip = clips[random.integers(len(clips))]
        parts += [np.zeros(int(random.uniform(1.5, 4) * RATE), np.int16), np.frombuffer(clip.slin, "<i2")]
        texts.append(clip.text)
    samples = np.concatenate([*parts, np.zeros(RATE, np.int16)])
    return Caller(language, samples, " ".join(texts), tuple(utterances(samples)))


def utterances(samples: npt.NDArray[np.int16]) -> list[Spoken]:
    """Return the utterances of a line at 8 kHz as whisper-server would cut them."""
    voice, endpointer = VoiceStream(RATE), Endpointer(RATE, SILENCE_MS[SENSITIVITY])
    voice.hold(samples)
    found: list[Spoken] = []
    start = onset = 0
    for number, probability in enumerate(_SILERO.run([voice])[0], 1):
        match endpointer.feed(probability):
            case Started(begun, spoken):
                start, onset = begun, spoken
            case Ended(end, at):
                found.append(Spoken(start, onset, end, at, number * WINDOW_MS * RATE // 1000))
    return found
