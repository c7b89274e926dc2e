"""What a stream tells its client, free of protocol versions. Times are seconds since the start of the stream."""

from dataclasses import dataclass

from whisper_server.transcript import Word


@dataclass(frozen=True, slots=True)
class SpeechActivity:
    """Speech began or ended at `at`."""

    began: bool
    at: float


@dataclass(frozen=True, slots=True)
class SingleUtteranceOver:
    """The one utterance that was asked for is over; no more audio is wanted."""

    at: float


@dataclass(frozen=True, slots=True)
class ActivityTimeout:
    """Nobody spoke for as long as the client asked to wait; the stream ends."""

    at: float


@dataclass(frozen=True, slots=True)
class Interim:
    """Text so far: a stable part and a tail that may change; their concatenation is the text."""

    stable: str
    tail: str
    end: float
    language: str


@dataclass(frozen=True, slots=True)
class Final:
    """Text of a finished utterance; concatenated finals give the whole transcript. Words carry stream times."""

    text: str
    end: float
    language: str
    confidence: float
    words: tuple[Word, ...]


Event = SpeechActivity | SingleUtteranceOver | ActivityTimeout | Interim | Final

# Google sends an interim as two results: a prefix that holds and a tail that may not.
STABLE = 0.9
UNSTABLE = 0.1
