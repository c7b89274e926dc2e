"""The turn-taking table while the agent is heard: what stops it, what does not, and the last words."""

import pytest

from callengine.call.turn_events import (
    Action,
    AgentFinished,
    AgentStarted,
    Answer,
    CallerBegan,
    CallerPaused,
    CallerPressed,
    CorrectRecord,
    Do,
    LastWords,
    State,
    Tick,
)
from callengine.call.turn_table import feed
from callengine.call.turn_words import load_turn_words
from callengine.call.turns import Turns
from tests.unit.call.talk import TIMES, Talk, barged_in, final, interim, speaking, thinking

# SPEAKING and BARGE_IN


def test_a_cough_over_the_agent_changes_nothing() -> None:
    talk = speaking()
    talk.at(4.1, CallerBegan(4.0))
    assert talk.at(4.18, CallerPaused(4.15)) == []
    assert talk.until(60) == []
    assert talk.state is State.SPEAKING


def test_a_knock_that_may_be_over_is_looked_at_again_before_the_agent_pauses() -> None:
    """The detector says it 128 ms late: meanwhile the deadline passes with nothing sounding."""
    talk = speaking()
    talk.at(4.1, CallerBegan(4.0))
    assert feed(talk.turns, Tick(quiet=True), 4.2) == []
    assert feed(talk.turns, CallerPaused(4.05), 4.22) == []
    assert talk.state is State.SPEAKING
    talk.at(5.1, CallerBegan(5.0))
    assert feed(talk.turns, Tick(quiet=True), 5.2) == []
    assert feed(talk.turns, Tick(), 5.24) == [Do.PAUSE]


def test_words_after_the_pause_give_the_caller_the_word() -> None:
    talk = barged_in()
    assert talk.at(4.6, interim("нет", 2.0, 4.5)) == [Do.FLUSH]
    assert talk.at(5.0, CallerPaused(4.9)) == []
    assert talk.at(5.5, final("нет летние", 4.0, 4.9)) == [Answer("нет летние", 4.9, 5.4)]


def test_no_words_and_the_agent_goes_on_within_two_seconds() -> None:
    talk = barged_in()
    talk.at(4.6, CallerPaused(4.5))
    talk.at(5.0, final("", 4.0, 4.5))
    assert talk.until(5.99) == []
    assert talk.until(6.0) == [Do.RESUME]
    assert talk.state is State.SPEAKING


def test_a_dog_that_barks_on_does_not_keep_the_agent_silent() -> None:
    talk = barged_in()
    now = 4.4
    actions: list[Action] = []
    while not actions and now < 30:
        actions += talk.at(now, CallerPaused(now))
        actions += talk.at(now + 0.3, CallerBegan(now + 0.2))
        now += 0.6
    assert actions[0] is Do.RESUME
    assert talk.now <= 4.0 + 2 * TIMES.words_wait + 0.6


def test_a_second_sound_gets_time_for_its_words() -> None:
    talk = barged_in()
    talk.at(4.6, CallerPaused(4.5))
    talk.at(5.9, CallerBegan(5.8))
    talk.at(6.3, CallerPaused(6.2))
    assert talk.until(6.7) == []
    assert talk.until(6.81) == [Do.RESUME]


def test_the_agent_does_not_go_on_into_what_is_being_said() -> None:
    """A recogniser without interims: the final comes when the caller has said all of it."""
    talk = barged_in()
    assert talk.until(7.0) == []
    talk.at(7.1, CallerPaused(7.0))
    assert talk.at(7.5, final("нет, спасибо", 4.0, 7.0)) == [Do.FLUSH, Answer("нет, спасибо", 7.0, 7.5)]


def test_the_final_of_a_whole_sentence_is_waited_for() -> None:
    talk = barged_in()
    talk.at(5.9, CallerPaused(5.7))
    assert talk.until(6.5) == []
    assert talk.at(6.5, final("нет, спасибо", 4.0, 5.7)) == [Do.FLUSH, Answer("нет, спасибо", 5.7, 6.2)]


def test_a_long_noise_over_the_agent_is_a_noise_in_the_end() -> None:
    talk = barged_in()
    assert talk.until(4.0 + 2 * TIMES.words_wait) == [Do.RESUME]


def test_the_last_frame_was_out_when_the_pause_came() -> None:
    """The playout is paused and empty: without a resume the next answer would never be heard."""
    talk = barged_in()
    assert talk.at(4.3, AgentFinished()) == [Do.RESUME]
    assert talk.state is State.LISTENING
    talk.at(5.0, CallerPaused(4.9))
    assert talk.at(5.5, final("да", 4.0, 4.9)) == [Answer("да", 4.9, 5.4)]


def test_a_short_final_word_over_the_agent_stops_it() -> None:
    talk = speaking()
    talk.at(4.1, CallerBegan(4.0))
    talk.at(4.18, CallerPaused(4.15))
    assert talk.at(4.8, final("стоп", 4.0, 4.2)) == [Do.FLUSH, Answer("стоп", 4.2, 4.7)]


@pytest.mark.parametrize("detected", [False, True])
@pytest.mark.parametrize("began", [1.9, 2.0])
def test_a_murmur_dated_from_the_last_final_is_not_of_the_turn_before(began: float, detected: bool) -> None:
    """Google tells where a final ends and not where it begins: it lies from the end of the one before, up to the pause
    or a little short of it. A murmur over the agent's first words once became the caller's last word that way."""
    talk = Talk(turns=Turns(words=load_turn_words("ru-RU")))
    talk.at(1.1, CallerBegan(1.0))
    talk.at(2.1, CallerPaused(2.0))
    talk.at(2.3, final("шины", 0.0, began))
    assert talk.until(2.5) == [Answer("шины", 2.0, 2.5)]
    talk.at(3.0, AgentStarted())
    if detected:
        talk.at(4.1, CallerBegan(4.0))
        talk.at(4.18, CallerPaused(4.15))
    assert talk.at(4.5, final("хм", began, 4.3)) == []
    assert (talk.state, talk.turns.answered.text) == (State.SPEAKING, "шины")
    assert talk.at(4.6, final("стоп", began, 4.4)) == [Do.FLUSH], "a word that is meant is none of that turn either"


def test_a_cough_before_the_turns_own_final_keeps_it_from_nothing() -> None:
    """Nobody has heard the turn to its end yet: what comes is of it, or the agent would be interrupted by nobody."""
    talk = Talk()
    talk.at(1.1, CallerBegan(1.0))
    talk.at(1.9, interim("шимы", 0.0, 1.9))
    talk.at(2.1, CallerPaused(2.0))
    assert talk.until(3.6) == [Answer("шимы", 2.0, 2.5)]
    talk.at(3.7, AgentStarted())
    talk.at(4.1, CallerBegan(4.0))
    talk.at(4.18, CallerPaused(4.15))
    assert talk.at(4.4, final("шины", 0.0, 4.3)) == [CorrectRecord("шины")]
    assert talk.state is State.SPEAKING


def test_an_interim_over_the_agent_waits_for_the_detector() -> None:
    talk = speaking()
    assert talk.at(4.0, interim("а", 2.0, 3.9)) == []
    assert talk.state is State.SPEAKING


@pytest.mark.parametrize("start", [speaking, barged_in])
def test_a_key_stops_the_agent(start: object) -> None:
    talk = start()  # type: ignore[operator]
    assert talk.at(4.3, CallerPressed("1")) == [Do.FLUSH]
    (answer,) = talk.until(6.3)
    assert answer.text == "1"


def test_speech_that_begins_as_the_agent_ends_is_a_turn() -> None:
    talk = speaking()
    talk.at(4.1, CallerBegan(4.0))
    assert talk.at(4.15, AgentFinished()) == []
    assert talk.until(30) == []  # the caller is speaking
    talk.at(30.1, CallerPaused(30.0))
    assert talk.at(31.0, final("да", 4.0, 30.0)) == [Answer("да", 30.0, 30.5)]


def test_words_said_before_a_prompt_began_are_answered_after_it() -> None:
    talk = Talk()
    talk.at(1.1, CallerBegan(1.0))
    talk.at(2.1, CallerPaused(2.0))
    talk.at(2.2, final("да", 1.0, 2.0))
    talk.at(2.3, AgentStarted())
    assert talk.at(5.0, AgentFinished()) == [Answer("да", 2.0, 2.5)]


# CLOSING


@pytest.mark.parametrize("start", [Talk, thinking, speaking, barged_in])
def test_after_the_last_words_only_their_end_matters(start: object) -> None:
    talk = start()  # type: ignore[operator]
    assert talk.at(10.0, LastWords())[-1] is Do.RESUME
    assert talk.state is State.CLOSING
    for event in (
        CallerBegan(10.1),
        CallerPaused(11),
        final("а", 10.1, 11),
        CallerPressed("1"),
        AgentStarted(),
        Tick(),
    ):
        assert talk.at(12.0, event) == []
    assert talk.turns.deadline is None
    assert talk.at(13.0, AgentFinished()) == [Do.HANG_UP]


def test_a_tick_before_its_deadline_is_none() -> None:
    for start in (Talk, thinking, speaking, barged_in):
        talk = start()
        state, deadline = talk.state, talk.turns.deadline
        assert feed(talk.turns, Tick(), talk.now) == []
        assert (talk.state, talk.turns.deadline) == (state, deadline)
