"""The turn-taking table while the caller has the word: what ends a turn, and what comes after its end."""

import pytest

from callengine.call.turn_events import (
    AgentFinished,
    AgentStarted,
    Answer,
    CallerBegan,
    CallerHeard,
    CallerPaused,
    CallerPressed,
    CorrectRecord,
    Do,
    Event,
    State,
    Tick,
)
from callengine.call.turn_table import feed
from callengine.call.turns import Turns, TurnTimes
from tests.unit.call.talk import TIMES, Talk, final, interim, speaking, thinking

# LISTENING


def test_a_final_before_the_pause_is_over_waits_for_it() -> None:
    talk = Talk()
    talk.at(1.1, CallerBegan(1.0))
    talk.at(1.9, final("да", 1.0, 1.9))
    talk.at(2.1, CallerPaused(2.0))
    assert talk.until(2.49) == []
    assert talk.until(2.5) == [Answer("да", 2.0, 2.5)]


def test_a_final_after_the_pause_answers_at_once() -> None:
    talk = Talk()
    talk.at(1.1, CallerBegan(1.0))
    talk.at(2.1, CallerPaused(2.0))
    assert talk.until(3.0) == []
    assert talk.at(3.1, final("да", 1.0, 2.0)) == [Answer("да", 2.0, 2.5)]


def test_an_interim_serves_when_no_final_came() -> None:
    talk = Talk()
    talk.at(1.1, CallerBegan(1.0))
    talk.at(1.5, interim("есть", 0.0, 1.4, 0.1))
    talk.at(1.9, interim("есть шины", 0.0, 1.8, 0.1))
    talk.at(2.1, CallerPaused(2.0))
    assert talk.until(3.59) == []
    assert talk.until(3.6) == [Answer("есть шины", 2.0, 2.5)]


def test_a_pause_within_the_turn_is_no_end() -> None:
    talk = Talk()
    talk.at(1.1, CallerBegan(1.0))
    talk.at(2.1, CallerPaused(2.0))
    talk.at(2.2, final("есть", 1.0, 2.0))
    assert talk.at(2.4, CallerBegan(2.35)) == []
    assert talk.until(9.0) == []
    talk.at(9.0, CallerPaused(8.9))
    assert talk.at(9.6, final("шины", 2.3, 8.9)) == [Answer("есть шины", 8.9, 9.4)]


def test_a_noise_is_not_answered() -> None:
    talk = Talk()
    talk.at(1.1, CallerBegan(1.0))
    talk.at(2.1, CallerPaused(2.0))
    talk.at(2.3, final("", 1.0, 2.0))
    assert talk.until(3.6) == []
    assert talk.state is State.LISTENING
    assert talk.turns.deadline == 3.6 + TIMES.no_input
    assert talk.until(3.6 + TIMES.no_input) == [Do.REPROMPT]


def test_words_without_a_detected_voice_are_answered() -> None:
    talk = Talk()
    assert talk.at(2.0, final("да", 1.0, 1.4)) == [Answer("да", 1.4, 1.9)]


def test_nobody_speaks() -> None:
    talk = speaking()
    talk.at(5.0, AgentFinished())
    assert talk.until(12.9) == []
    assert talk.until(13.0) == [Do.REPROMPT]
    assert talk.turns.deadline == 21.0  # a reprompt that is never heard is asked for again


def test_nobody_is_asked_whose_words_the_recogniser_still_owes() -> None:
    talk = speaking()
    talk.at(5.0, AgentFinished())
    for second in range(13, 20):
        assert feed(talk.turns, Tick(owed=True), float(second)) == []
        assert talk.turns.deadline == second + TIMES.owed_look
    assert feed(talk.turns, Tick(), 20.0) == [Do.REPROMPT]


# Digits


def test_digits_end_with_a_pause_of_two_seconds() -> None:
    talk = Talk()
    for number, key in enumerate("12"):
        talk.at(1.0 + number, CallerPressed(key))
    assert talk.until(3.99) == []
    assert talk.until(4.0) == [Answer("12", 2.0, 2.5)]


def test_a_hash_ends_digits_at_once() -> None:
    talk = Talk()
    talk.at(1.0, CallerPressed("7"))
    assert talk.at(1.5, CallerPressed("#")) == [Answer("7", 1.5, 1.5)]


@pytest.mark.parametrize(
    "beside", [CallerPaused(1.6), CallerHeard("", 1.0, 1.5, True), CallerHeard("", 1.0, 1.5, False)]
)
def test_a_noise_between_two_keys_does_not_cut_them(beside: Event) -> None:
    talk = Talk()
    talk.at(1.0, CallerPressed("1"))
    assert talk.at(1.7, beside) == []
    assert talk.at(2.9, CallerPressed("2")) == []
    assert [action for action in talk.until(10) if isinstance(action, Answer)] == [Answer("12", 2.9, 3.4)]


def test_digits_are_answered_though_somebody_talks_on() -> None:
    talk = Talk()
    talk.at(1.0, CallerPressed("1"))
    talk.at(1.5, CallerBegan(1.4))
    (answer,) = talk.until(3.0)
    assert isinstance(answer, Answer)
    assert answer.text == "1"
    talk.at(3.5, CallerPaused(3.4))
    assert talk.state is State.THINKING  # the talk beside the keys takes nothing back


def test_words_and_keys_are_both_answered() -> None:
    talk = Talk()
    talk.at(1.1, CallerBegan(1.0))
    talk.at(2.1, CallerPaused(2.0))
    talk.at(2.2, final("номер", 1.0, 2.0))
    talk.at(2.4, CallerPressed("5"))
    assert talk.until(4.4) == [Answer("номер 5", 2.4, 2.9)]


# THINKING


def test_a_cough_while_thinking_changes_nothing() -> None:
    talk = thinking()
    talk.at(2.7, CallerBegan(2.6))
    assert talk.at(2.78, CallerPaused(2.75)) == []
    assert talk.state is State.THINKING
    assert talk.turns.deadline is None


def test_a_caller_who_goes_on_takes_the_answer_back() -> None:
    talk = thinking()
    talk.at(2.7, CallerBegan(2.6))
    assert talk.until(2.81) == [Do.DROP_ANSWER]
    talk.at(3.6, CallerPaused(3.5))
    assert talk.at(4.1, final("зимние", 2.6, 3.5)) == [Answer("шины зимние", 3.5, 4.0)]


def test_a_pause_told_with_the_speech_takes_it_back_too() -> None:
    talk = thinking()
    talk.at(2.7, CallerBegan(2.6))
    assert feed(talk.turns, CallerPaused(2.85), 2.95) == [Do.DROP_ANSWER]
    assert talk.state is State.LISTENING


def test_a_short_word_while_thinking_is_not_lost() -> None:
    talk = thinking()
    talk.at(2.7, CallerBegan(2.6))
    talk.at(2.78, CallerPaused(2.75))
    assert talk.at(3.4, final("да", 2.6, 2.8)) == [Do.DROP_ANSWER, Answer("шины да", 2.8, 3.3)]


def test_a_key_while_thinking_is_not_lost() -> None:
    talk = thinking()
    assert talk.at(2.7, CallerPressed("#")) == []
    assert talk.at(2.8, CallerPressed("4")) == [Do.DROP_ANSWER]
    (answer,) = talk.until(4.8)
    assert isinstance(answer, Answer)
    assert answer.text == "шины 4"


@pytest.mark.parametrize("ended", [2.0, 2.4, 2.9, 4.4])
def test_a_late_final_corrects_the_record_even_with_silence_at_its_end(ended: float) -> None:
    talk = Talk()
    talk.at(1.1, CallerBegan(1.0))
    talk.at(1.9, interim("шимы", 0.0, 1.9))
    talk.at(2.1, CallerPaused(2.0))
    assert talk.until(3.6) == [Answer("шимы", 2.0, 2.5)]
    talk.at(3.8, AgentStarted())
    assert talk.at(4.5, final("шины", 1.0, ended)) == [CorrectRecord("шины")]
    assert talk.at(4.6, interim("шины", 2.0, ended)) == []
    assert talk.state is State.SPEAKING


def test_a_late_final_of_the_same_words_says_nothing() -> None:
    talk = Talk()
    talk.at(1.1, CallerBegan(1.0))
    talk.at(1.9, interim("шины", 0.0, 1.9))
    talk.at(2.1, CallerPaused(2.0))
    talk.until(3.6)
    assert talk.at(4.0, final("шины", 1.0, 2.0)) == []
    assert talk.at(4.1, final("", 1.0, 2.2)) == []


def test_an_answer_with_nothing_to_say() -> None:
    talk = thinking()
    assert talk.at(3.0, AgentFinished()) == []
    assert (talk.state, talk.turns.deadline) == (State.LISTENING, 11.0)


def test_half_a_sentence_waits_longer_for_its_rest() -> None:
    """An interim that stops a second before the pause is not what the caller said: the final is given more time."""
    turns = Turns()
    feed(turns, CallerBegan(1.0), 1.1)
    feed(turns, CallerHeard("номер заказа один ноль", 1.0, 3.0, False, 0.9), 3.2)
    feed(turns, CallerPaused(4.0), 4.13)
    assert feed(turns, Tick(), 4.5) == []
    assert turns.deadline == 4.0 + TurnTimes().rest_wait
    assert feed(turns, CallerHeard("номер заказа один ноль четыре два", 1.0, 4.1, True), 6.0) == [
        Answer("номер заказа один ноль четыре два", 4.0, 4.5)
    ]


def test_half_a_sentence_is_answered_when_nothing_more_comes() -> None:
    turns = Turns()
    feed(turns, CallerBegan(1.0), 1.1)
    feed(turns, CallerHeard("номер заказа один ноль", 1.0, 3.0, False, 0.9), 3.2)
    feed(turns, CallerPaused(4.0), 4.13)
    feed(turns, Tick(), 4.5)
    (answer,) = feed(turns, Tick(), 4.0 + TurnTimes().rest_wait)
    assert isinstance(answer, Answer)
    assert answer.text == "номер заказа один ноль"
