"""What goes into the model and what comes out of it."""

from dataclasses import dataclass

from whisper_server.audio import Samples


@dataclass(frozen=True, slots=True)
class Utterance:
    """What to decode: mono samples at `rate`; `languages` as in `Request`; `words`: times and confidences too.

    `hints` are phrases likely to be said. An `interim` is decoded greedily: it is said again a second later.
    `silence`: seconds at the beginning in which nobody speaks yet.
    """

    samples: Samples
    rate: int
    languages: tuple[str, ...]
    words: bool = False
    interim: bool = False
    hints: tuple[str, ...] = ()
    silence: float = 0.0


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its times in seconds since the start of the utterance, and its confidence 0..1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said: stripped text, Whisper's language code, confidence 0..1, words where asked for."""

    text: str
    language: str
    confidence: float
    words: tuple[Word, ...] = ()
