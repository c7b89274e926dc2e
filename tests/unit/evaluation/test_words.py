"""The normaliser: what sounds alike is written alike, and what does not is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.evaluation.words import normalised

RUSSIAN = [
    ("1", "один"),
    ("2 шины", "две шины"),
    ("Два", "двух"),
    ("205/55 R16", "двести пять пятьдесят пять r шестнадцать"),
    ("Ещё раз, пожалуйста!", "еще раз пожалуйста"),
    ("1\u00a0000 рублей", "тысяча рублей"),
    ("21 тысяча", "двадцать одна тысяча"),
    ("1000", "одна тысяча"),
    ("5%", "пять процентов"),
    ("№ 7", "номер семь"),
    ("5-й этаж", "пятый этаж"),
    ("12,5", "двенадцать целых пять десятых"),
    ("007", "ноль ноль семь"),
    ("8 916 1234567", "восемь девятьсот шестнадцать один два три четыре пять шесть семь"),
    ("по-русски", "по русски"),
    ("в 10:30", "в десять тридцать"),
    ("22.11.2026", "двадцать два одиннадцать две тысячи двадцать шесть"),
]
ENGLISH = [
    ("1", "one"),
    ("105", "one hundred and five"),
    ("105", "a hundred five"),
    ("12,500", "twelve thousand five hundred"),
    ("Twenty-one", "21"),
    ("the 5th", "the fifth"),
    ("don’t", "don't"),
    ("fish and chips", "fish & chips"),
    ("oh seven", "0 7"),
    ("50%", "fifty percent"),
    ("'quoted'", "quoted"),
]


@pytest.mark.parametrize(("one", "other"), RUSSIAN)
def test_alike_in_russian(one: str, other: str) -> None:
    assert normalised(one, "ru-RU") == normalised(other, "ru-RU") != []


@pytest.mark.parametrize(("one", "other"), ENGLISH)
def test_alike_in_english(one: str, other: str) -> None:
    assert normalised(one, "en-GB") == normalised(other, "en-GB") != []


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("да", "нет", "ru-RU"),
        ("три", "тридцать", "ru-RU"),
        ("сорок один", "сорок", "ru-RU"),
        ("fish and chips", "fish chips", "en-GB"),
        ("1.5", "15", "en-GB"),
    ],
)
def test_unlike(one: str, other: str, language: str) -> None:
    assert normalised(one, language) != normalised(other, language)


def test_a_language_without_rules_keeps_its_words() -> None:
    assert normalised("Dobrý den, 2", "xx-XX") == ["dobrý", "den", "2"]


@given(st.text(alphabet=st.characters(codec="utf-8")), st.sampled_from(["ru-RU", "en-GB", "de-DE"]))
def test_any_text_becomes_words_that_stay_as_they_are(text: str, language: str) -> None:
    words = normalised(text, language)
    assert all(word and not word.isspace() for word in words)
    assert normalised(" ".join(words), language) == words
