"""One turn of the caller from transcripts of any order and place: audio that a final covers is never added again."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.call.turn_events import Answer, CallerBegan, CallerHeard, CallerPaused, Do, State
from callengine.call.turn_table import feed
from callengine.call.utterance import Utterance
from tests.unit.call.talk import Talk, barged_in, final, interim, speaking, thinking

WORDS = "Нет, спасибо, не надо."


def test_an_interim_that_reaches_into_the_silence_gives_way_to_its_final() -> None:
    """How a caller's words once came twice in the record: the interim ended 0.1 s behind its final."""
    talk = barged_in()
    assert talk.at(5.2, interim(WORDS, 2.0, 5.1)) == [Do.FLUSH]
    talk.at(5.2, CallerPaused(5.0))
    assert talk.at(5.6, final(WORDS, 4.0, 5.0)) == [Answer(WORDS, 5.0, 5.5)]


@pytest.mark.parametrize("ended", [4.5, 5.0, 5.1])
def test_an_interim_later_than_its_final_adds_nothing(ended: float) -> None:
    talk = barged_in()
    talk.at(5.1, CallerPaused(5.0))
    assert talk.at(5.2, final(WORDS, 4.0, 5.0)) == [Do.FLUSH]
    assert talk.at(5.3, interim(WORDS, 5.0, ended)) == []
    assert talk.until(5.5) == [Answer(WORDS, 5.0, 5.5)]


@pytest.mark.parametrize(("began", "ended"), [(4.0, 5.0), (4.3, 4.9), (4.2, 5.05), (3.9, 5.2)])
def test_a_final_that_comes_again_adds_nothing(began: float, ended: float) -> None:
    talk = barged_in()
    talk.at(5.1, CallerPaused(5.0))
    assert talk.at(5.2, final(WORDS, 4.0, 5.0)) == [Do.FLUSH]
    assert talk.at(5.3, final(WORDS, began, ended)) == []
    assert talk.until(5.5) == [Answer(WORDS, 5.0, 5.5)]


@pytest.mark.parametrize("make", [thinking, speaking])
@pytest.mark.parametrize("again", [final("шины", 1.0, 2.0), final("шины", 1.3, 1.9), interim("шины", 2.0, 1.9)])
def test_what_was_answered_and_comes_again_is_no_new_turn(make: Callable[[], Talk], again: CallerHeard) -> None:
    talk = make()
    state = talk.state
    assert talk.at(3.1, again) == []
    assert talk.state is state


def test_it_is_no_new_turn_after_the_answer_either() -> None:
    talk = thinking()
    talk.at(2.7, CallerBegan(2.6))
    assert talk.until(2.81) == [Do.DROP_ANSWER]
    talk.at(3.6, CallerPaused(3.5))
    assert talk.at(3.7, final("шины", 1.0, 2.0)) == []
    assert talk.at(4.1, final("зимние", 2.6, 3.5)) == [Answer("шины зимние", 3.5, 4.0)]
    assert talk.at(4.2, final("зимние", 2.6, 3.5)) == []
    assert talk.state is State.THINKING


def test_a_longer_final_of_the_same_audio_takes_the_shorter_ones_place() -> None:
    said = Utterance(began=1.0)
    said.hear("есть зимние", (1.0, 2.0), True, 1.0)
    said.hear("есть зимние шины", (1.0, 3.0), True, 1.0)
    assert said.text == "есть зимние шины"


def test_words_behind_a_final_are_kept_until_their_own() -> None:
    said = Utterance(began=1.0)
    said.hear("есть", (1.0, 2.0), True, 1.0)
    said.hear("зимние", (2.0, 3.0), False, 0.9)
    assert said.text == "есть зимние"
    said.hear("зимние шины", (2.1, 3.5), True, 1.0)
    assert said.text == "есть зимние шины"


@st.composite
def retold(draw: st.DrawFn) -> tuple[list[str], list[CallerHeard]]:
    """Finals side by side, some told again at once or later, with interims of the same audio in between."""
    now = 1.0
    words: list[str] = []
    heard: list[CallerHeard] = []
    for number in range(draw(st.integers(1, 6))):
        ended = now + draw(st.floats(0.2, 3.0))
        words.append(f"w{number}")
        part = [CallerHeard(words[-1], now, now + (ended - now) * draw(st.floats(0.1, 1.1)), False, 0.9)]
        part.append(CallerHeard(words[-1], now, ended, True))
        part += draw(st.lists(st.sampled_from([*heard, *part]), max_size=3))
        heard += part
        now = ended + draw(st.floats(0.0, 1.0))
    return words, heard


@given(retold())
def test_every_final_is_told_once_in_order(play: tuple[list[str], list[CallerHeard]]) -> None:
    words, heard = play
    talk = Talk()
    feed(talk.turns, CallerBegan(0.9), 1.0)
    for event in heard:
        feed(talk.turns, event, 1.0)
    assert talk.turns.utterance.text.split() == words
