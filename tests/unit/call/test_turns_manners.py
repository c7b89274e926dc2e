"""The turn-taking table's manners: back-channels, pauses that depend on words, echo, announcements, a television."""

from dataclasses import dataclass, field

import pytest

from callengine.call.turn_events import (
    AgentFinished,
    AgentStarted,
    Answer,
    CallerBegan,
    CallerPaused,
    CallerPressed,
    Do,
    State,
)
from callengine.call.turn_words import load_turn_words
from callengine.call.turns import Turns
from tests.unit.call.talk import TIMES, Talk, barged_in, final, interim, speaking


def knowing(talk: Talk) -> Talk:
    """The same conversation, in Russian."""
    talk.turns.words = load_turn_words("ru-RU")
    return talk


@dataclass
class RussianTalk(Talk):
    turns: Turns = field(default_factory=lambda: Turns(words=load_turn_words("ru-RU")))


# Back-channels


def test_the_agent_goes_on_within_300_ms_of_a_back_channel() -> None:
    talk = knowing(barged_in())
    assert talk.at(4.35, CallerPaused(4.3)) == []
    assert talk.at(4.6, interim("угу", 4.0, 4.4)) == []
    assert talk.until(4.9) == [Do.RESUME]
    assert talk.now <= 4.9
    assert talk.state is State.SPEAKING
    assert talk.at(5.0, final("Угу.", 4.0, 4.4)) == []
    assert talk.at(9.0, AgentFinished()) == []
    assert talk.until(16.9) == []


def test_a_final_back_channel_lets_the_agent_go_on_at_once() -> None:
    talk = knowing(barged_in())
    talk.at(4.35, CallerPaused(4.3))
    assert talk.at(4.6, final("да-да", 4.0, 4.4)) == [Do.RESUME]


def test_a_back_channel_that_was_known_before_its_sound_ended() -> None:
    talk = knowing(barged_in())
    assert talk.at(4.3, interim("ага", 4.0, 4.3)) == []
    assert talk.at(4.5, CallerPaused(4.4)) == []
    assert talk.until(4.56) == [Do.RESUME]


def test_a_back_channel_that_turns_into_words_takes_the_word() -> None:
    talk = knowing(barged_in())
    assert talk.at(4.3, interim("да", 4.0, 4.3)) == []
    assert talk.at(4.5, interim("да но подождите", 4.0, 4.5)) == [Do.FLUSH]
    talk.at(5.0, CallerPaused(4.9))
    assert talk.at(5.5, final("да но подождите", 4.0, 4.9)) == [Answer("да но подождите", 4.9, 5.4)]


def test_words_behind_a_back_channel_take_the_word() -> None:
    talk = knowing(barged_in())
    talk.at(4.35, CallerPaused(4.3))
    assert talk.at(4.6, final("угу", 4.0, 4.4)) == [Do.RESUME]
    talk.at(5.1, CallerBegan(5.0))
    assert talk.until(5.2) == [Do.PAUSE]
    assert talk.at(5.5, interim("а зимние", 5.0, 5.4)) == [Do.FLUSH]


def test_a_back_channel_too_short_to_pause_the_agent_is_none_of_its_business() -> None:
    talk = knowing(speaking())
    talk.at(4.1, CallerBegan(4.0))
    talk.at(4.18, CallerPaused(4.15))
    assert talk.at(4.5, final("Да.", 4.0, 4.2)) == []
    assert talk.state is State.SPEAKING


@pytest.mark.parametrize(("asked", "finished", "answers"), [(True, 5.5, True), (True, 6.5, False), (False, 5.5, False)])
def test_a_yes_just_before_a_questions_end_answers_it(asked: bool, finished: float, answers: bool) -> None:
    talk = knowing(barged_in())
    talk.at(4.35, CallerPaused(4.3))
    assert talk.at(4.6, final("да", 4.0, 4.4)) == [Do.RESUME]
    actions = talk.at(finished, AgentFinished(asked))
    assert bool(actions) is answers
    if answers:
        (answer,) = actions
        assert isinstance(answer, Answer)
        assert answer.text == "да"


def test_a_yes_behind_the_last_word_is_an_answer() -> None:
    talk = knowing(barged_in())
    talk.at(4.35, CallerPaused(4.3))
    talk.at(4.4, interim("да", 4.0, 4.3))
    assert talk.at(4.45, AgentFinished(asked=True)) == [Do.RESUME]
    assert talk.until(4.6) == [Answer("да", 4.3, 4.6)]


def test_where_no_words_are_known_every_word_is_meant() -> None:
    talk = barged_in()
    assert talk.at(4.6, interim("угу", 4.0, 4.4)) == [Do.FLUSH]


# The pause that ends a turn


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("Мне нужны шины и", TIMES.trailing_pause),
        ("Номер сто четыре", TIMES.number_pause),
        ("Шины 225 45", TIMES.number_pause),
        ("Шины 225 45 17", TIMES.end_pause),
        ("двести двадцать пять сорок пять семнадцать", TIMES.end_pause),
        ("Сколько стоят шины", TIMES.end_pause),
        ("Да", TIMES.end_pause),  # nothing was asked
    ],
)
def test_the_pause_depends_on_the_words(text: str, pause: float) -> None:
    talk = RussianTalk()
    talk.at(1.1, CallerBegan(1.0))
    talk.at(2.1, CallerPaused(2.0))
    assert talk.at(2.2, final(text, 1.0, 2.0)) == []
    assert talk.until(2.0 + pause - 0.001) == []
    assert talk.until(2.0 + pause) == [Answer(text, 2.0, 2.0 + pause)]


def test_a_yes_to_a_question_is_answered_soon() -> None:
    talk = knowing(speaking())
    talk.at(5.0, AgentFinished(asked=True))
    talk.at(6.1, CallerBegan(6.0))
    talk.at(6.5, CallerPaused(6.4))
    assert talk.at(6.6, final("Да.", 6.0, 6.4)) == []
    assert talk.until(6.7) == [Answer("Да.", 6.4, 6.7)]


# Echo


def test_what_begins_with_the_answer_has_to_be_longer_for_it_may_be_its_echo() -> None:
    talk = speaking()  # since 3.0
    talk.at(3.2, CallerBegan(3.1))
    assert talk.until(3.49) == []
    assert talk.until(3.5) == [Do.PAUSE]


def test_an_echo_is_over_before_it_counts() -> None:
    talk = speaking()
    talk.at(3.2, CallerBegan(3.1))
    assert talk.at(3.45, CallerPaused(3.4)) == []
    assert talk.until(8.0) == []


def test_who_spoke_before_the_agent_is_no_echo() -> None:
    talk = speaking()
    talk.at(4.0, AgentFinished())
    talk.at(5.0, CallerBegan(4.9))
    talk.at(5.5, CallerPaused(5.4))
    talk.at(5.6, final("шины", 4.9, 5.4))
    talk.until(5.9)
    assert talk.state is State.THINKING
    talk.at(6.05, CallerBegan(5.95))
    assert talk.at(6.1, AgentStarted()) == []
    assert talk.until(6.15) == [Do.PAUSE]


# What has to be heard


def test_an_announcement_is_heard_whole_and_what_was_said_meanwhile_is_answered() -> None:
    talk = Talk()
    talk.at(0.1, AgentStarted(announces=True))
    assert talk.state is State.ANNOUNCING
    assert talk.at(1.1, CallerBegan(1.0)) == []
    assert talk.until(2.0) == []
    assert talk.at(2.1, CallerPaused(2.0)) == []
    assert talk.at(2.5, final("алло", 1.0, 2.0)) == []
    assert talk.at(4.0, AgentFinished()) == [Answer("алло", 2.0, 2.5)]


def test_keys_pressed_during_an_announcement_count_after_it() -> None:
    talk = Talk()
    talk.at(0.1, AgentStarted(announces=True))
    assert talk.at(1.0, CallerPressed("5")) == []
    assert talk.at(4.0, AgentFinished()) == [Answer("5", 1.0, 1.5)]


def test_who_still_speaks_when_it_ends_has_the_word() -> None:
    talk = Talk()
    talk.at(0.1, AgentStarted(announces=True))
    talk.at(1.1, CallerBegan(1.0))
    assert talk.at(2.0, AgentFinished()) == []
    talk.at(2.6, CallerPaused(2.5))
    assert talk.at(3.1, final("алло", 1.0, 2.5)) == [Answer("алло", 2.5, 3.0)]


# A television


def test_speech_that_never_pauses_is_answered_at_a_final() -> None:
    talk = Talk()
    talk.at(1.1, CallerBegan(1.0))
    said = [talk.at(now + 0.2, final(f"w{now}", now - 5, now)) for now in (6.0, 11.0, 16.0, 21.0, 26.0)]
    assert said == [[]] * 5
    (answer,) = talk.at(31.2, final("w31", 26, 31))
    assert isinstance(answer, Answer)
    assert answer.text == "w6.0 w11.0 w16.0 w21.0 w26.0 w31"
    # and it talks on, which stops no answer
    assert talk.at(32.0, AgentStarted()) == []
    assert talk.at(36.2, final("w36", 31.5, 36)) == []
    assert talk.state is State.SPEAKING
    assert talk.at(40.0, AgentFinished()) == []
    # nothing of it is lost
    talk.at(41.1, CallerPaused(41.0))
    assert talk.at(41.6, final("w41", 36, 41)) == [Answer("w36 w41", 41.0, 41.5)]


def test_the_last_words_of_who_stops_when_the_agent_speaks_are_answered() -> None:
    talk = Talk()
    talk.at(1.1, CallerBegan(1.0))
    talk.at(31.2, final("w31", 1, 31))
    talk.at(32.0, AgentStarted())
    assert talk.at(33.0, CallerPaused(32.8)) == []
    assert talk.at(33.5, final("ещё", 31.2, 32.8)) == [Do.FLUSH, Answer("ещё", 32.8, 33.3)]


def test_a_size_in_two_breaths_is_one_turn_and_answered_soon_after_its_last_word() -> None:
    talk = RussianTalk()
    talk.at(1.1, CallerBegan(1.0))
    talk.at(2.1, CallerPaused(2.0))
    assert talk.at(2.2, final("225/45", 1.0, 2.0)) == []
    assert talk.at(2.8, CallerBegan(2.7)) == [], "it is waited for"
    talk.at(3.5, CallerPaused(3.4))
    assert talk.at(3.6, final("R17", 2.7, 3.4)) == []
    assert talk.until(3.9) == [Answer("225/45 R17", 3.4, 3.9)]
