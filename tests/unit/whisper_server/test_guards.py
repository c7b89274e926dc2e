"""Each guard against invented text on its own: what it holds back, and what it must let through."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whisper_server import guards
from whisper_server.guards import Heard, objection


def heard(
    text: str,
    *,
    tokens: tuple[int, ...] = (1, 2, 3),
    seconds: float = 3.0,
    no_speech: float = 0.0,
    logprob: float = -0.3,
) -> Heard:
    return Heard(text, tokens, seconds, no_speech, logprob)


@pytest.mark.parametrize("text", ["Да.", "Нет", "Где мой заказ номер 1042?", "Спасибо.", "До свидания!", "Thank you."])
def test_what_callers_say_passes_all_guards(text: str) -> None:
    assert objection(heard(text, seconds=1.2)) == ""


def test_punctuation_alone_is_no_speech() -> None:
    assert objection(heard(" … !")) == "wordless"


def test_doubt_and_silence_together_are_silence() -> None:
    assert objection(heard("Угу", no_speech=0.7, logprob=-1.1)) == "silence"
    assert objection(heard("Угу", no_speech=0.7, logprob=-0.5)) == ""
    assert objection(heard("Угу", no_speech=0.1, logprob=-1.5)) == ""


def test_text_that_compresses_like_repetition_is_noise() -> None:
    assert objection(heard("нет, " * 60, seconds=30)) == "noise"
    assert objection(heard("Наберите новый номер и нажмите решётку.")) == ""


def test_a_menu_in_russian_is_no_repetition_though_utf_8_compresses_it_like_one() -> None:
    menu = (
        "Для прослушивания следующего сообщения нажмите 6, для повторного прослушивания сообщения нажмите 5, "
        "для прослушивания предыдущего сообщения нажмите 4, для удаления или восстановления сообщения нажмите 0, "
        "для выхода из голосовой почты нажмите решетку."
    )
    assert len(menu.encode()) > guards.MAX_COMPRESSION * len(zlib.compress(menu.encode()))
    assert objection(heard(menu, seconds=18.9)) == ""
    assert objection(heard("Продолжение следует... " * 4, seconds=18.9)) == "noise"


def test_one_token_over_and_over_is_a_model_that_is_stuck() -> None:
    assert objection(heard("Аааа", tokens=(7,) * 22, seconds=3.0)) == "stuck"
    assert objection(heard("да да да да да", tokens=(7,) * 5, seconds=2.0)) == ""


def test_nobody_speaks_that_fast() -> None:
    text = "Редкая птица долетит до середины реки, но здесь её никто не слышал и не видел"
    assert objection(heard(text, seconds=1.0)) == "too_fast"
    assert objection(heard(text, seconds=5.0)) == ""


@pytest.mark.parametrize(
    "text", ["Продолжение следует...", "Субтитры сделал кто-то", "Thanks for watching!", "Редактор субтитров А. Б."]
)
def test_what_stood_under_silent_pictures_is_held_back_where_little_was_said(text: str) -> None:
    assert objection(heard(text, seconds=2.5)) == "artefact"
    assert objection(heard(text, seconds=8.0, no_speech=0.3)) == "artefact"
    assert objection(heard(text, seconds=8.0, no_speech=0.01)) == ""


def test_an_artefact_is_a_whole_text() -> None:
    assert objection(heard("Субтитры")) == ""
    assert objection(heard("Скажите, продолжение следует?")) == ""


@given(st.floats(0.1, 30))
def test_there_is_room_for_speech_and_for_no_more(seconds: float) -> None:
    assert 10 * seconds < guards.max_tokens(seconds) <= 10 * seconds + 20
