"""Loops in a text, agreement between interims, and the wording of results."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whisper_server import guards
from whisper_server.agreement import agreed
from whisper_server.audio import Encoding
from whisper_server.request import Request
from whisper_server.transcript import Transcript, Word
from whisper_server.wording import Wording

words = st.lists(st.sampled_from(["да", "нет", "номер", "заказ", "привет"]), max_size=8).map(tuple)


@pytest.mark.parametrize(
    ("text", "seconds", "kept"),
    [
        ("Нам очень жаль. Нам очень жаль. Нам", 1.5, "Нам очень жаль."),
        ("80 80 80 80 80 80 80 80 80", 1.0, "80"),
        ("Нажмите три для настройки. Нажмите три для наст", 1.8, "Нажмите три для настройки."),
        ("Да, да, да, да, да", 2.0, "Да, да, да, да, да"),
        ("восемь восемь восемь восемь", 2.0, "восемь восемь восемь восемь"),
        # what base made of a phrase said once, in 2.3 s; below, it was said twice
        ("Нет, спасибо, не надо. Нет, спасибо, не надо.", 2.3, "Нет, спасибо, не надо."),
        ("Нет, спасибо, не надо. Нет, спасибо, не надо.", 3.4, "Нет, спасибо, не надо. Нет, спасибо, не надо."),
    ],
)
def test_loops_are_cut_only_where_nobody_speaks_that_fast(text: str, seconds: float, kept: str) -> None:
    assert guards.without_loop(text, seconds) == kept


@given(st.text(max_size=80), st.floats(0.1, 30))
def test_cutting_a_loop_leaves_a_beginning_of_the_words(text: str, seconds: float) -> None:
    kept = guards.without_loop(text, seconds).split()
    assert kept == text.split()[: len(kept)]


def test_two_decodes_that_agree_make_a_stable_prefix() -> None:
    assert agreed((), ("Где", "мой"), ("где", "мой", "заказ")) == ("где", "мой")
    assert agreed(("где", "мой"), ("где", "мой", "заказ"), ("И", "где", "мой", "заказ")) == ("где", "мой")


@given(words, words, words)
def test_what_was_stable_stays(stable: tuple[str, ...], previous: tuple[str, ...], current: tuple[str, ...]) -> None:
    now = agreed(stable, previous, current)
    assert now[: len(stable)] == stable
    assert agreed((), current, current) == current


def heard(text: str, *spoken: Word) -> Transcript:
    return Transcript(text, "ru", 0.8, spoken)


def request(*, punctuation: bool = True) -> Request:
    return Request(Encoding.LINEAR16, 8000, ("ru",), punctuation=punctuation)


def test_finals_concatenate_without_a_separator() -> None:
    wording = Wording(request())
    texts = [wording.final(heard(text), 0.0, 2.0).text for text in ("Привет.", "Где мой заказ?")]
    assert "".join(texts) == "Привет. Где мой заказ?"


def test_interims_hold_a_stable_part_and_a_tail() -> None:
    wording = Wording(request())
    first = wording.interim(heard("Где мой"), 1.0)
    second = wording.interim(heard("Где мой заказ"), 2.0)
    assert (first.stable, first.tail) == ("", "Где мой")
    assert (second.stable, second.tail) == ("Где мой", " заказ")
    wording.final(heard("Где мой заказ?"), 0.0, 2.5)
    third = wording.interim(heard("Алло"), 4.0)
    assert (third.stable, third.tail) == ("", " Алло")


def test_without_punctuation_as_google_does() -> None:
    final = Wording(request(punctuation=False)).final(heard("Кто-нибудь, ответьте - «пожалуйста»!"), 0.0, 3.0)
    assert final.text == "кто-нибудь ответьте пожалуйста"


def test_word_times_count_from_the_start_of_the_stream() -> None:
    final = Wording(request()).final(heard("Да", Word("Да", 0.2, 5.0, 0.9)), 10.0, 11.0)
    assert final.words == (Word("Да", 10.2, 11.0, 0.9),)
