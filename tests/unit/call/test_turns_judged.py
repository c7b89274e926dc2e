"""The end-of-turn model's opinion in the turn-taking table: for the words it is about, and for no others."""

from callengine.call.turn_events import (
    AgentFinished,
    AgentStarted,
    Answer,
    CallerBegan,
    CallerPaused,
    PauseJudged,
)
from tests.unit.call.talk import Talk, final, speaking


def test_an_opinion_takes_the_place_of_the_table_for_these_words() -> None:
    for seconds in (0.3, 0.9, 2.5):
        talk = Talk()
        talk.at(1.1, CallerBegan(1.0))
        talk.at(2.13, CallerPaused(2.0))
        talk.at(2.2, final("шины", 1.0, 2.0))
        assert talk.at(2.25, PauseJudged("шины", seconds)) == []
        assert talk.until(2.0 + seconds - 0.01) == []
        assert talk.until(2.0 + seconds) == [Answer("шины", 2.0, 2.0 + seconds)]


def test_an_opinion_that_the_turn_was_over_already_ends_it_at_once() -> None:
    talk = Talk()
    talk.at(1.1, CallerBegan(1.0))
    talk.at(2.13, CallerPaused(2.0))
    talk.at(2.3, final("шины", 1.0, 2.0))
    assert talk.at(2.4, PauseJudged("шины", 0.3)) == [Answer("шины", 2.0, 2.3)]


def test_an_opinion_of_other_words_or_of_speech_is_nothing() -> None:
    talk = Talk()
    talk.at(1.1, CallerBegan(1.0))
    assert talk.at(1.5, PauseJudged("", 0.2)) == []
    talk.at(2.13, CallerPaused(2.0))
    talk.at(2.2, final("шины", 1.0, 2.0))
    assert talk.at(2.25, PauseJudged("шины и", 2.0)) == []
    assert talk.until(2.5) == [Answer("шины", 2.0, 2.5)]
    assert talk.at(2.6, PauseJudged("шины", 2.0)) == []


def test_an_opinion_is_forgotten_with_its_turn() -> None:
    talk = speaking()
    talk.at(5.0, AgentFinished())
    for began in (6.0, 16.0):
        talk.at(began + 0.1, CallerBegan(began))
        talk.at(began + 1.13, CallerPaused(began + 1))
        talk.at(began + 1.15, final("да", began, began + 1))
        pause = 0.5
        if began == 6.0:
            talk.at(began + 1.2, PauseJudged("да", 2.0))
            pause = 2.0
        assert talk.until(began + 1 + pause) == [Answer("да", began + 1, began + 1 + pause)]
        talk.at(began + 4, AgentStarted())
        talk.at(began + 5, AgentFinished())
