"""When a reply is begun before the caller's turn is surely over, and what it is good for. Pure.

It is begun while the pause that may end the turn still runs, with words that look final. It serves only if the turn
ends with the same words; a reply that does not is never heard of again."""

from dataclasses import replace
from enum import Enum, auto

from callengine.call.turn_events import State
from callengine.call.turn_words import split_words
from callengine.call.turns import Turns
from callengine.call.utterance import STABLE
from callengine.ports.reasoning import CallerSaid, ReplyRequest

MOST_STARTS = 3  # in one turn: who pauses again and again is paid for so often, and then waits as ever


class Turn(Enum):
    """How far the caller's turn is."""

    GOING_ON = auto()  # or there is none, or its words are not sure
    MAY_BE_OVER = auto()  # silence behind words that look final; only the pause still runs
    OVER = auto()  # it is being answered: the answer itself takes what was begun for it, or does not


class Begun(Enum):
    """What there is of a reply begun ahead."""

    NOTHING = auto()
    SAME = auto()  # for these very words
    OTHER = auto()  # for words that are no longer the turn's


class Step(Enum):
    """What is to be done."""

    NONE = auto()
    START = auto()  # a reply to the turn's text; one begun before is dropped
    DROP = auto()  # cancel the one that was begun


TABLE: dict[tuple[Turn, Begun], Step] = {
    (Turn.GOING_ON, Begun.NOTHING): Step.NONE,
    (Turn.GOING_ON, Begun.SAME): Step.DROP,
    (Turn.GOING_ON, Begun.OTHER): Step.DROP,
    (Turn.MAY_BE_OVER, Begun.NOTHING): Step.START,
    (Turn.MAY_BE_OVER, Begun.SAME): Step.NONE,
    (Turn.MAY_BE_OVER, Begun.OTHER): Step.START,
    (Turn.OVER, Begun.NOTHING): Step.NONE,
    (Turn.OVER, Begun.SAME): Step.NONE,
    (Turn.OVER, Begun.OTHER): Step.NONE,
}


def stand_of(turns: Turns) -> Turn:
    """How far the caller's turn is, as turn-taking knows it."""
    if turns.state is State.THINKING:
        return Turn.OVER
    said = turns.utterance
    silent = turns.state is State.LISTENING and turns.speech_began is None and said.paused is not None
    if not silent or said.digits or not split_words(said.text):
        return Turn.GOING_ON
    sure = said.covered and (not said.interim or said.stability >= STABLE)
    # behind a longer pause more is expected: what is begun there would mostly be thrown away
    return Turn.MAY_BE_OVER if sure and turns.pause <= turns.times.end_pause else Turn.GOING_ON


def next_step(turns: Turns, begun: str, starts: int) -> Step:
    """What to do now. `begun`: the text that a reply was begun for, "" for none; `starts`: how many in this turn."""
    same = split_words(begun) == split_words(turns.utterance.text)
    what = Begun.NOTHING if not begun else Begun.SAME if same else Begun.OTHER
    step = TABLE[stand_of(turns), what]
    if step is Step.START and starts >= MOST_STARTS:
        return Step.DROP if begun else Step.NONE
    return step


def serves(begun: ReplyRequest, wanted: ReplyRequest) -> bool:
    """The reply to one request is as good for the other: all is the same, but for case, signs and «ё» in the caller's
    last words."""
    if not (begun.history and wanted.history and begun.history[:-1] == wanted.history[:-1]):
        return False
    one, other = begun.history[-1], wanted.history[-1]
    if not (isinstance(one, CallerSaid) and isinstance(other, CallerSaid)):
        return False
    return split_words(one.text) == split_words(other.text) and replace(begun, history=wanted.history) == wanted
