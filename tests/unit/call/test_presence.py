"""Who is not on the line: fax machines, answering machines, silence; and that people are never taken for them."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.call.events import DialogEvent, ToneHeard
from callengine.call.presence import FAX, VOICEMAIL, Presence
from callengine.call.turn_events import CallerBegan, CallerHeard, CallerPaused, CallerPressed
from callengine.call.turn_words import load_turn_words
from tests.unit.call.talk import final

RU, EN = load_turn_words("ru-RU"), load_turn_words("en-GB")
BEGAN = 100.0  # the clock when the call began


def tone(hertz: float, began: float, seconds: float) -> ToneHeard:
    return ToneHeard(hertz, BEGAN + began, BEGAN + began + seconds)


def spoke(began: float, ended: float) -> list[DialogEvent]:
    return [CallerBegan(BEGAN + began), CallerPaused(BEGAN + ended)]


def said(text: str, began: float, ended: float) -> list[DialogEvent]:
    return [*spoke(began, ended), final(text, BEGAN + began, BEGAN + ended)]


def time_of(event: DialogEvent) -> float:
    match event:
        case CallerBegan(began=at) | CallerPaused(ended=at) | CallerHeard(ended=at) | ToneHeard(ended=at):
            return at
        case _:
            return BEGAN


def found(events: Sequence[DialogEvent], presence: Presence | None = None) -> str:
    """The first thing that was found."""
    presence = presence or Presence(RU, BEGAN)
    return next((what for event in events if (what := presence.feed(event, time_of(event)))), "")


def test_two_calling_tones_are_a_fax_and_one_is_not() -> None:
    assert found([tone(1100, 1.0, 0.5)]) == ""
    assert found([tone(1100, 1.0, 0.5), tone(1108, 4.5, 0.5)]) == FAX
    assert found([tone(1100, 1.0, 0.45), tone(1070, 4.2, 0.55)]) == FAX


@pytest.mark.parametrize(
    "tones",
    [
        [tone(1100, 1.0, 0.5), tone(1100, 2.0, 0.5)],  # a signal of another rhythm
        [tone(1100, 1.0, 2.0), tone(1100, 4.5, 2.0)],
        [tone(1000, 1.0, 0.5), tone(1000, 4.5, 0.5)],
        [tone(2100, 1.0, 0.5)],
        [tone(425, 1.0, 1.0), tone(425, 6.0, 1.0)],  # ringing
    ],
)
def test_other_tones_are_no_fax(tones: list[DialogEvent]) -> None:
    assert found(tones) == ""


def test_an_answering_fax_is_one_long_tone() -> None:
    assert found([tone(2100, 0.4, 2.6)]) == FAX


def test_a_fax_is_one_only_while_the_call_is_young() -> None:
    assert found([tone(1100, 32.0, 0.5), tone(1100, 35.5, 0.5)]) == ""


@pytest.mark.parametrize(
    "text",
    [
        "Здравствуйте, вы позвонили в компанию «Ромашка», оставьте сообщение после сигнала",
        "Абонент не отвечает.",
        "Оставьте, пожалуйста, своё сообщение после звукового сигнала.",
        "Телефон абонента выключен или находится вне зоны действия сети",
    ],
)
def test_an_answering_machine_says_so(text: str) -> None:
    assert found(said(text, 1.0, 7.0)) == VOICEMAIL


@pytest.mark.parametrize(
    "text",
    [
        "Hi, this is Anna. I can't come to the phone, so leave a message after the beep.",
        "The person you are calling is not available.",
        "Please leave your name and number at the tone",
    ],
)
def test_an_answering_machine_says_so_in_english(text: str) -> None:
    assert found(said(text, 1.0, 7.0), Presence(EN, BEGAN)) == VOICEMAIL


@pytest.mark.parametrize(
    "text",
    ["Это автоответчик?", "Можно оставить сообщение для директора?", "Сообщение мне пришло, что заказ готов", "алло"],
)
def test_a_caller_who_speaks_of_messages_is_no_machine(text: str) -> None:
    assert found(said(text, 1.0, 4.0)) == ""


def test_english_callers_who_speak_of_messages_are_no_machines() -> None:
    for text in ("Can I leave a message for the manager?", "Your site says it is not available."):
        assert found(said(text, 1.0, 4.0), Presence(EN, BEGAN)) == ""


def test_what_a_caller_tells_later_is_no_machine_s() -> None:
    late = said("мне сказали: оставьте сообщение после сигнала", 33.0, 36.0)
    assert found([*said("алло", 1.0, 1.5), *late]) == ""
    assert found(said("мне сказали: оставьте сообщение после сигнала", 8.0, 12.0)) == ""


def test_words_of_the_second_sentence_count() -> None:
    assert found([*said("Вы позвонили в ателье.", 0.8, 3.0), *said("Оставьте сообщение.", 9.0, 10.5)]) == VOICEMAIL


def test_a_long_speech_from_the_first_second_and_a_beep() -> None:
    speech = [*spoke(0.6, 3.0), *spoke(3.9, 6.2)]
    assert found(speech) == ""
    assert found([*speech, tone(950, 7.0, 0.3)]) == VOICEMAIL


@pytest.mark.parametrize(
    "events",
    [
        [*spoke(0.6, 2.0), tone(950, 2.8, 0.3)],  # short
        [*spoke(4.0, 9.0), tone(950, 10.0, 0.3)],  # not from the first second
        [*spoke(0.6, 2.0), *spoke(5.0, 10.0), tone(950, 11.0, 0.3)],  # not in one
        [*spoke(0.6, 6.0), tone(950, 12.0, 0.3)],  # not a beep that belongs to it
        [*spoke(0.6, 6.0), CallerPressed("1"), tone(950, 7.0, 0.3)],  # machines press no keys
        [tone(950, 7.0, 0.3)],
    ],
)
def test_a_beep_alone_is_nobody_s(events: list[DialogEvent]) -> None:
    assert found(events) == ""


@pytest.mark.parametrize(
    "event", [CallerBegan(BEGAN + 3), final("да", BEGAN + 3, BEGAN + 4), CallerPressed("5"), tone(500, 3.0, 0.2)]
)
def test_a_line_is_silent_until_anything_is_heard(event: DialogEvent) -> None:
    presence = Presence(RU, BEGAN)
    assert presence.silent
    presence.feed(CallerHeard("", BEGAN, BEGAN + 1, final=True), BEGAN + 1)
    assert presence.silent
    presence.feed(event, BEGAN + 4)
    assert not presence.silent


@given(st.lists(st.tuples(st.floats(0, 40), st.floats(0.1, 8)), max_size=6))
def test_speech_without_tones_and_machines_words_is_a_person_s(spans: list[tuple[float, float]]) -> None:
    events = [event for began, seconds in sorted(spans) for event in said("есть зимние шины?", began, began + seconds)]
    assert found(events) == ""
