"""When a reply is begun ahead, when it is dropped, and which request it serves: the table, and rules for any order."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.call.ahead_table import MOST_STARTS, TABLE, Begun, Step, Turn, next_step, serves, stand_of
from callengine.call.turn_events import AgentStarted, CallerBegan, CallerPaused, CallerPressed, State
from callengine.call.turn_words import load_turn_words, split_words
from callengine.call.turns import Turns
from callengine.ports.reasoning import AgentSaid, CallerSaid, HistoryItem, ReplyRequest
from callengine.ports.tools import CallerContext
from tests.unit.call.talk import Talk, final, interim, speaking, thinking
from tests.unit.call.test_turns_at_random import Play, plays

REQUEST = ReplyRequest("A shop.", (AgentSaid("Hello."), CallerSaid("есть шины")), (), CallerContext("c", "ru-RU"))


def paused() -> Talk:
    """The caller spoke from 1.0 to 2.0."""
    talk = Talk(turns=Turns(words=load_turn_words("ru-RU")))
    talk.at(1.1, CallerBegan(1.0))
    talk.at(2.13, CallerPaused(2.0))
    return talk


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(product(Turn, Begun))


def test_a_turn_may_be_over_behind_a_stable_interim() -> None:
    talk = paused()
    assert stand_of(talk.turns) is Turn.GOING_ON
    talk.at(2.2, interim("есть шины", 1.0, 2.0, 0.5))
    assert stand_of(talk.turns) is Turn.GOING_ON
    talk.at(2.3, interim("есть шины", 1.0, 2.0, 0.9))
    assert stand_of(talk.turns) is Turn.MAY_BE_OVER
    assert next_step(talk.turns, "", 0) is Step.START
    assert next_step(talk.turns, "Есть шины?", 1) is Step.NONE
    assert next_step(talk.turns, "есть", 1) is Step.START


def test_a_turn_may_be_over_behind_a_final_while_the_pause_runs() -> None:
    talk = paused()
    talk.at(2.2, final("есть шины", 1.0, 2.0))
    assert stand_of(talk.turns) is Turn.MAY_BE_OVER
    talk.until(2.5)
    assert talk.state is State.THINKING
    assert stand_of(talk.turns) is Turn.OVER


def test_an_interim_that_stops_short_of_the_pause_begins_nothing() -> None:
    talk = paused()
    talk.at(2.2, interim("есть", 1.0, 1.5, 0.9))
    assert next_step(talk.turns, "", 0) is Step.NONE


@pytest.mark.parametrize("text", ["мне нужны", "сто четыре", "и", "..."])
def test_where_more_is_expected_nothing_is_begun(text: str) -> None:
    talk = paused()
    talk.at(2.2, interim(text, 1.0, 2.0, 0.9))
    assert next_step(talk.turns, "", 0) is Step.NONE


def test_who_speaks_again_or_presses_a_key_drops_it() -> None:
    for event in (CallerBegan(2.3), CallerPressed("1")):
        talk = paused()
        talk.at(2.2, interim("есть шины", 1.0, 2.0, 0.9))
        talk.at(2.4, event)
        assert next_step(talk.turns, "есть шины", 1) is Step.DROP


def test_an_answer_in_the_making_keeps_it_and_a_heard_one_does_not() -> None:
    assert next_step(thinking().turns, "whatever", 1) is Step.NONE
    assert next_step(speaking().turns, "whatever", 1) is Step.DROP
    talk = Talk()
    talk.at(0.0, AgentStarted())
    assert next_step(talk.turns, "", 0) is Step.NONE


def test_a_turn_has_so_many_starts() -> None:
    talk = paused()
    talk.at(2.2, interim("есть шины", 1.0, 2.0, 0.9))
    assert next_step(talk.turns, "есть", MOST_STARTS - 1) is Step.START
    assert next_step(talk.turns, "есть", MOST_STARTS) is Step.DROP
    assert next_step(talk.turns, "", MOST_STARTS) is Step.NONE
    assert next_step(talk.turns, "есть шины", MOST_STARTS) is Step.NONE


@given(plays(), st.sampled_from(("", "w0", "w1", "maybe", "w0 maybe")), st.integers(0, 5))
def test_whatever_happened_only_silence_behind_words_begins_a_reply(play: Play, begun: str, starts: int) -> None:
    turns = play.turns
    step = next_step(turns, begun, starts)
    if step is Step.START:
        assert turns.state is State.LISTENING
        assert turns.speech_began is None
        assert turns.utterance.paused is not None
        assert starts < MOST_STARTS
        assert split_words(turns.utterance.text) not in ((), split_words(begun))
    if step is Step.DROP:
        assert begun
    if begun and step is Step.NONE:
        assert turns.state is State.THINKING or split_words(turns.utterance.text) == split_words(begun)


# Which request it serves


def asks(*history: HistoryItem) -> ReplyRequest:
    return replace(REQUEST, history=history)


@pytest.mark.parametrize("text", ["Есть шины?", "ЕСТЬ ШИНЫ", "есть, шины…", "есть шины"])
def test_the_same_words_are_served(text: str) -> None:
    assert serves(REQUEST, asks(AgentSaid("Hello."), CallerSaid(text)))


@pytest.mark.parametrize(
    "history",
    [
        (),
        (AgentSaid("Hello."),),
        (AgentSaid("Hello."), CallerSaid("есть машины")),
        (AgentSaid("Hello."), CallerSaid("есть шины"), AgentSaid("Да")),
        (AgentSaid("hello."), CallerSaid("есть шины")),
        (AgentSaid("Hello."), CallerSaid(""), CallerSaid("есть шины")),
        (CallerSaid("есть шины"),),
    ],
)
def test_another_history_is_not_served(history: tuple[HistoryItem, ...]) -> None:
    assert not serves(REQUEST, asks(*history))


def test_another_agent_or_caller_is_not_served() -> None:
    assert not serves(REQUEST, replace(REQUEST, instructions="Another shop."))
    assert not serves(REQUEST, replace(REQUEST, caller=CallerContext("c", "ru-RU", number="1")))


@given(st.text(max_size=30), st.text(max_size=30))
def test_serving_is_mutual_and_a_matter_of_words(one: str, other: str) -> None:
    begun, wanted = asks(CallerSaid(one)), asks(CallerSaid(other))
    assert serves(begun, begun)
    assert serves(begun, wanted) == serves(wanted, begun) == (split_words(one) == split_words(other))
