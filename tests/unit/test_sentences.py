"""Pieces of a reply: the cases that go wrong in shops, and what holds for any text in any chunks."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.call.sentences import LONGEST_PIECE, Splitter

LONG_RUSSIAN = "мы " * 100
TABLE = [
    ("ru-RU", "Да. Есть.", ["Да.", "Есть."]),
    ("ru-RU", "Здравствуйте, чем помочь? Слушаю, говорите.", ["Здравствуйте,", "чем помочь?", "Слушаю, говорите."]),
    ("ru-RU", "Да, есть, конечно. Хорошо.", ["Да, есть, конечно.", "Хорошо."]),
    ("ru-RU", "Есть зимние — и летние тоже. Да.", ["Есть зимние —", "и летние тоже.", "Да."]),
    ("ru-RU", "Нешипованные, т. е. липучка. Они тише.", ["Нешипованные,", "т. е. липучка.", "Они тише."]),
    ("ru-RU", "Шины, т.е. Мишлен. Да.", ["Шины, т.е. Мишлен.", "Да."]),
    ("ru-RU", "Шины, диски и т. д. Всё есть.", ["Шины, диски и т. д.", "Всё есть."]),
    ("ru-RU", "Шины, диски и т. д. и т. п. тоже.", ["Шины, диски и т. д. и т. п. тоже."]),
    ("ru-RU", "Размер 205/55 R16. Цена 1 299,90 ₽. Берёте?", ["Размер 205/55 R16.", "Цена 1 299,90 ₽.", "Берёте?"]),
    ("ru-RU", "Цена 12\u00a0500 руб. 50 коп. за штуку. Да.", ["Цена 12 500 руб. 50 коп. за штуку.", "Да."]),
    ("ru-RU", "Это 500 руб. Берёте?", ["Это 500 руб.", "Берёте?"]),
    ("ru-RU", "Роман А. С. Пушкина. Да.", ["Роман А. С. Пушкина.", "Да."]),
    ("ru-RU", "Работаем с 9:30 до 21:00. Приезжайте.", ["Работаем с 9:30 до 21:00.", "Приезжайте."]),
    ("ru-RU", "Адрес: г. Москва, ул. Ленина, д. 5. Ждём.", ["Адрес: г. Москва,", "ул. Ленина, д. 5.", "Ждём."]),
    ("ru-RU", "С 2019 г. Мы работаем.", ["С 2019 г.", "Мы работаем."]),
    ("ru-RU", "Подождите… сейчас посмотрю. Вот.", ["Подождите… сейчас посмотрю.", "Вот."]),
    ("ru-RU", "Подождите... Вот они.", ["Подождите...", "Вот они."]),
    ("ru-RU", "Смотрите www.shop.ru/a,b и shop.ru. Там всё.", ["Смотрите www.shop.ru/a,b и shop.ru.", "Там всё."]),
    ("ru-RU", "Он сказал: «Есть!» Это правда.", ["Он сказал: «Есть!»", "Это правда."]),
    ("ru-RU", "Есть два\nПервый тут", ["Есть два", "Первый тут"]),
    ("ru-RU", "1. Первый пункт. 2. Второй.", ["1. Первый пункт.", "2. Второй."]),
    ("ru-RU", "Звоните +7 495 000-01-01, ждём.", ["Звоните +7 495 000-01-01,", "ждём."]),
    ("en-GB", "Dr. Smith is here. He waits.", ["Dr. Smith is here.", "He waits."]),
    ("en-GB", "Winter tyres, e.g. Michelin. Yes.", ["Winter tyres,", "e.g. Michelin.", "Yes."]),
    ("en-GB", "It is 1,299.90 roubles. Fine?", ["It is 1,299.90 roubles.", "Fine?"]),
    ("en-GB", "Order No. 1042 is ready. Come at 5 p.m. Bye!", ["Order No. 1042 is ready.", "Come at 5 p.m.", "Bye!"]),
    ("en-GB", "Is it there? No. We can order it.", ["Is it there?", "No.", "We can order it."]),
    ("en-GB", 'He said "yes." Then left.', ['He said "yes."', "Then left."]),
    ("en-GB", "  Hello.   ", ["Hello."]),
    ("en-GB", "", []),
    ("en-GB", " \n ", []),
]


def pieces_of(language: str, chunks: list[str]) -> list[str]:
    splitter = Splitter(language)
    return [piece for chunk in chunks for piece in splitter.feed(chunk)] + splitter.finish()


@pytest.mark.parametrize(("language", "text", "expected"), TABLE)
def test_cuts_where_a_speaker_would(language: str, text: str, expected: list[str]) -> None:
    assert pieces_of(language, [text]) == expected
    assert pieces_of(language, list(text)) == expected


def test_first_clause_comes_as_soon_as_the_next_word_begins() -> None:
    splitter = Splitter("ru-RU")
    assert splitter.feed("Добрый день, ") == []
    assert splitter.feed("м") == ["Добрый день,"]


def test_a_run_on_is_cut_at_a_space_and_not_in_a_number() -> None:
    pieces = pieces_of("ru-RU", ["а" * 190 + " 12 500 750 рублей и ещё немного слов без точки " * 3])
    assert pieces[0] == "а" * 190
    assert all(len(piece) <= LONGEST_PIECE for piece in pieces)
    assert not any(re.search(r"\d$", one) and re.match(r"\d", two) for one, two in pairwise(pieces))


def test_an_endless_word_is_cut_all_the_same() -> None:
    assert [len(piece) for piece in pieces_of("en-GB", ["x" * 450])] == [200, 200, 50]


def test_can_be_fed_again_after_finish() -> None:
    splitter = Splitter("en-GB")
    assert splitter.feed("Let me look") == []
    assert splitter.finish() == ["Let me look"]
    assert splitter.feed("Found it, yes, here. Good") == ["Found it, yes, here."]
    assert splitter.finish() == ["Good"]


TOKENS = 'а б Да шины т. е. д. г. руб. А. R16. 205/55 1 299,90 ₽ … ... . ! ? — - , слово, Dr. No. e.g. 9:30 «Да» "ok."'
WORDS = st.sampled_from([*TOKENS.split(), "\n", "  ", "\u00a0", "https://a.b/c,d", "x" * 90])
TEXTS = st.one_of(
    st.text(max_size=300), st.lists(WORDS, max_size=80).map(" ".join), st.lists(WORDS, max_size=80).map("".join)
)


@st.composite
def chunked(draw: st.DrawFn) -> tuple[str, list[str]]:
    text = draw(TEXTS)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    bounds = [0, *cuts, len(text)]
    return text, [text[a:b] for a, b in pairwise(bounds)]


@given(chunked(), st.sampled_from(["ru-RU", "en-GB", "de-DE"]))
def test_any_chunking_gives_the_same_pieces(case: tuple[str, list[str]], language: str) -> None:
    text, chunks = case
    assert pieces_of(language, chunks) == pieces_of(language, [text]) == pieces_of(language, list(text))


@given(TEXTS)
def test_nothing_is_lost_and_pieces_are_bounded(text: str) -> None:
    pieces = pieces_of("ru-RU", [text])
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(0 < len(piece) <= LONGEST_PIECE and piece == piece.strip() for piece in pieces)


@given(TEXTS)
def test_numbers_stay_whole(text: str) -> None:
    pieces = pieces_of("ru-RU", [text])
    assert not any(
        one[-1].isdigit() and two[0].isdigit() and len(one) < LONGEST_PIECE // 2 for one, two in pairwise(pieces)
    )
