"""When a call is told that it ends soon: once, in a pause, in time."""

import math

import pytest

from callengine.call.time_limit import ASKED_SECONDS, TimeLimit
from callengine.call.turn_events import State
from callengine.call.turns import Turns
from callengine.call.utterance import Utterance

LONGEST = 300.0
WARNS = LONGEST - 60


def limit(longest: float = LONGEST, *, warned: bool = False) -> TimeLimit:
    return TimeLimit(0.0, longest, warned)


def test_it_is_said_once_and_in_time() -> None:
    one, turns = limit(), Turns()
    assert not one.warns(turns, WARNS - 1)
    assert one.warns(turns, WARNS)
    assert not one.warns(turns, WARNS + 1)
    assert one.next_look(WARNS + 1) == LONGEST


@pytest.mark.parametrize(
    "state", [state for state in State if state is not State.LISTENING], ids=lambda state: state.name
)
def test_not_while_anybody_speaks_or_thinks(state: State) -> None:
    one = limit()
    assert not one.warns(Turns(state=state), WARNS)
    assert one.warns(Turns(), WARNS + 5)


@pytest.mark.parametrize(
    "busy",
    [
        Turns(speech_began=WARNS - 1),
        Turns(utterance=Utterance(began=WARNS - 3, paused=WARNS - 0.1)),
        Turns(utterance=Utterance(digits="12")),
    ],
    ids=["speaks", "has paused", "presses keys"],
)
def test_not_over_the_caller(busy: Turns) -> None:
    one = limit()
    assert not one.warns(busy, WARNS)
    assert one.warns(Turns(), WARNS + 5)


def test_who_was_asked_answers_first_unless_they_take_long() -> None:
    one, asked = limit(), Turns(asked=True)
    assert not one.warns(asked, WARNS + ASKED_SECONDS - 1)
    assert one.next_look(WARNS) == WARNS + ASKED_SECONDS
    assert one.warns(asked, WARNS + ASKED_SECONDS)


def test_what_is_nearly_over_is_not_announced() -> None:
    one = limit()
    assert not one.warns(Turns(), LONGEST - 10)
    assert not one.warns(Turns(), LONGEST - 5)


def test_short_limits_and_agents_without_the_words_have_no_warning() -> None:
    assert not limit(90.0).warns(Turns(), 45.0)
    assert limit(90.0).next_look(0.0) == 90.0
    assert not limit(warned=True).warns(Turns(), WARNS)


def test_the_time_is_up_once() -> None:
    one = limit()
    assert one.next_look(0.0) == WARNS
    assert not one.over(LONGEST - 0.1)
    assert one.over(LONGEST)
    assert not one.over(LONGEST + 1)
    assert one.next_look(LONGEST + 1) == math.inf
