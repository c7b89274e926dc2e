"""Text as espeak reads it, and the way back to the prompt's characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.tts.spoken import spoken_text, word_starts


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("ru-RU", "Цена 12 500 рублей", "Цена 12500 рублей"),
        ("ru-RU", "Цена 1\u00a0299,90 ₽", "Цена 1299,90 рублей"),
        ("ru-RU", "в наличии 12 штук, 4 500 тоже", "в наличии 12 штук, 4500 тоже"),
        ("ru-RU", "шина 205/55 R16.", "шина 205 на 55 эр 16."),
        ("ru-RU", "телефон 8 495 000 01 01", "телефон 8 495 000 01 01"),
        ("ru-RU", "заказ 1042", "заказ 1042"),
        ("en-GB", "tyre 205/55 R16", "tyre 205 55 R 16"),
        ("en-GB", "1,299.90 ₽", "1,299.90 roubles"),
        ("de-DE", "12 500 ₽ 205/55", "12500 ₽ 205/55"),
    ],
)
def test_reads_as_a_person_would(language: str, text: str, spoken: str) -> None:
    assert spoken_text(text, language).text == spoken


@given(st.text(alphabet="0123456789 ₽R/абв.,\u00a0", max_size=60), st.sampled_from(["ru-RU", "en-GB", "fr-FR"]))
def test_every_spoken_character_comes_from_one_of_the_prompt(text: str, language: str) -> None:
    spoken = spoken_text(text, language)
    assert len(spoken.origins) == len(spoken.text)
    assert list(spoken.origins) == sorted(spoken.origins)
    assert all(0 <= origin < len(text) for origin in spoken.origins)


def test_word_starts() -> None:
    assert word_starts("да 12") == {0: 0, 1: 0, 3: 3, 4: 3}
