"""What reaches a call's dialog from the tasks beside it, through one channel."""

from dataclasses import dataclass

from callengine.call.ending import Ending
from callengine.call.turn_events import (
    CallerBegan,
    CallerHeard,
    CallerPaused,
    CallerPressed,
    CallerUnheard,
    PauseJudged,
)

EVENTS = 256  # interims of a long utterance while the dialog is between two checkpoints: never reached in practice


@dataclass(frozen=True, slots=True)
class AnswerDone:
    """The answer with this number has been thought of to its end; what was said of it may still be playing."""

    number: int
    ending: Ending | None = None  # how the call is to end after it, if it is


@dataclass(frozen=True, slots=True)
class AnswerStarted:
    """The answer with this number has its first piece ready for the voice."""

    number: int


@dataclass(frozen=True, slots=True)
class AnswerHeard:
    """The answer with this number has been played to its end."""

    number: int


@dataclass(frozen=True, slots=True)
class TransferOrdered:
    """Somebody outside wants the caller put through to a target of the agent file, now."""

    target: str


@dataclass(frozen=True, slots=True)
class ToneHeard:
    """A steady tone on the caller's side, of a pitch in Hz, from time `began` to `ended`."""

    hertz: float
    began: float
    ended: float


DialogEvent = (
    CallerBegan
    | CallerPaused
    | CallerHeard
    | CallerUnheard
    | CallerPressed
    | PauseJudged
    | AnswerStarted
    | AnswerDone
    | AnswerHeard
    | TransferOrdered
    | ToneHeard
)
