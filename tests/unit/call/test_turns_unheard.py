"""Turn-taking while the recogniser is away: the turn stays open, and the caller is told to wait."""

from callengine.call.turn_events import (
    AgentFinished,
    AgentStarted,
    Answer,
    CallerBegan,
    CallerPaused,
    CallerUnheard,
    Do,
    State,
)
from tests.unit.call.talk import TIMES, Talk, final, interim


def unheard(talk: Talk, begin: float, end: float, spoke_until: float = 2.0) -> list[tuple[float, object]]:
    """What follows where words wait, told once a second from when to when."""
    done: list[tuple[float, object]] = []
    now = begin
    while now <= end:
        done += [(now, action) for action in talk.at(now, CallerUnheard(spoke_until))]
        now += 1.0
    return done


def spoken() -> Talk:
    """The caller spoke from 1.0 to 2.0."""
    talk = Talk()
    assert talk.at(1.1, CallerBegan(1.0)) == []
    assert talk.at(2.1, CallerPaused(2.0)) == []
    return talk


def test_the_caller_is_told_to_wait_and_again_after_a_while() -> None:
    assert unheard(spoken(), 2.2, 17.0) == [(4.2, Do.ONE_MOMENT), (10.2, Do.ONE_MOMENT), (16.2, Do.ONE_MOMENT)]


def test_while_words_wait_the_turn_stays_open_for_all_of_them() -> None:
    """Half a sentence, known from an interim, would be answered after 3 s."""
    talk = spoken()
    talk.at(2.15, interim("есть зимние", 0.5, 1.5, 0.9))
    assert unheard(talk, 2.2, 7.2) == [(4.2, Do.ONE_MOMENT)]
    assert talk.state is State.LISTENING
    assert talk.at(7.5, final("есть зимние шины", 1.0, 2.0)) == [Answer("есть зимние шины", 2.0, 2.5)]


def test_when_the_recogniser_is_back_and_has_no_words_it_was_a_noise() -> None:
    talk = spoken()
    unheard(talk, 2.2, 5.2)
    assert talk.until(5.2 + TIMES.unheard_hold) == []
    assert talk.turns.utterance.began is None
    assert talk.until(15.0) == [Do.REPROMPT]


def test_nobody_is_told_to_wait_who_speaks() -> None:
    talk = spoken()
    talk.at(3.0, CallerBegan(2.9))
    assert unheard(talk, 3.2, 9.2) == []
    talk.at(9.4, CallerPaused(9.3))
    assert unheard(talk, 9.5, 12.0, spoke_until=9.3) == [(11.5, Do.ONE_MOMENT)]


def test_words_that_come_over_the_phrase_are_answered_at_once() -> None:
    talk = spoken()
    unheard(talk, 2.2, 4.2)
    talk.at(4.3, AgentStarted())
    assert unheard(talk, 5.2, 5.2) == []
    assert talk.at(5.4, final("есть шины", 1.0, 2.0)) == [Do.FLUSH, Answer("есть шины", 2.0, 2.5)]


def test_words_that_come_after_the_phrase_are_answered_at_once() -> None:
    talk = spoken()
    unheard(talk, 2.2, 4.2)
    talk.at(4.3, AgentStarted())
    unheard(talk, 5.2, 5.2)
    assert talk.at(5.8, AgentFinished()) == []
    assert unheard(talk, 6.2, 8.2) == []
    assert talk.at(8.4, final("есть шины", 1.0, 2.0)) == [Answer("есть шины", 2.0, 2.5)]
