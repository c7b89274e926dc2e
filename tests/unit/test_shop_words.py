"""What the shop agent makes of words: figures, sizes, misspellings; and how it says amounts and dates."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.dialog import phrasing
from backends.dialog.matching import distance, with_figures
from backends.dialog.understanding import understand
from backends.dialog.vocabulary import LANGUAGES, vocabulary

RU, EN = vocabulary("ru-RU"), vocabulary("en-GB")


@pytest.mark.parametrize(
    ("language", "said", "figures"),
    [
        ("ru", "двести двадцать пять на сорок пять на семнадцать", "225 на 45 на 17"),
        ("ru", "один, ноль, четыре, два", "1 0 4 2"),
        ("ru", "десять сорок два", "10 42"),
        ("ru", "тысяча сорок два", "1042"),
        ("ru", "две тысячи пятьсот", "2500"),
        ("ru", "шеснадцать", "16"),
        ("en", "two twenty five by forty five by seventeen", "225 by 45 by 17"),
        ("en", "ten forty-two", "10 42"),
        ("en", "one thousand and forty two", "1042"),
        ("en", "two hundred and five and fifty five", "205 55"),
    ],
)
def test_number_words_become_figures(language: str, said: str, figures: str) -> None:
    assert with_figures(said, vocabulary(language)) == figures


SIZES = [
    ("ru", "Интересует размер 225-45-17.", "225/45 R17"),
    ("ru", "Интересует размер 225,45,17.", "225/45 R17"),
    ("ru", "Интересует размер 225-45-75-17.", "225/45 R17"),  # «на», as Whisper base hears it in 3 of 24
    ("ru", "Интересует размер двести двадцать пять на сорок пять на семнадцать.", "225/45 R17"),
    ("ru", "205/55 R16", "205/55 R16"),
    ("ru", "205 на 55 радиус 16", "205/55 R16"),
    ("ru", "2055516", "205/55 R16"),
    ("ru", "диски на 5 на 114,3", "5x114.3"),
    ("ru", "аккумулятор шестьдесят ампер", "60 Ah"),
    ("ru", "радиус шестнадцать", "R16"),
    ("en", "The size is 225 x 45 x 17.", "225/45 R17"),
    ("en", "two oh five fifty five sixteen", "205/55 R16"),
    ("en", "17 inch wheels", "R17"),
    ("ru", "мой заказ 1042", ""),
]


@pytest.mark.parametrize(("language", "said", "size"), SIZES)
def test_sizes_as_recognisers_write_them(language: str, said: str, size: str) -> None:
    assert understand(said, vocabulary(language)).goods.size == size


@pytest.mark.parametrize("said", ["Номер заказа 1 0 4 2.", "номер заказа 1-0-4-2", "заказ десять сорок два"])
def test_an_order_number_in_any_pieces(said: str) -> None:
    heard = understand(said, RU)
    assert heard.has("order")
    assert heard.digits == "1042"


@pytest.mark.parametrize(
    ("said", "category", "season", "brand"),
    [
        ("зимняя ризина мешлен", "tyre", "winter", "Michelin"),
        ("летних покрышек бриджстоун", "tyre", "summer", "Bridgestone"),
        ("акумулятор варта", "battery", "", "Varta"),
        ("литые диски", "wheel", "", ""),
        ("сколько стоит", "", "", ""),
    ],
)
def test_goods_in_any_ending_and_misspelt(said: str, category: str, season: str, brand: str) -> None:
    goods = understand(said, RU).goods
    assert (goods.category, goods.season, goods.brand) == (category, season, brand)


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("Соедините меня с оператором", "person"),
        ("До скольки вы работаете?", "hours"),
        ("Сколько они стоят и если они на складе?", "price"),
        ("Спасибо за помощь до свидания.", "goodbye"),
        ("Нет, спасибо не надо.", "no"),
        ("А где вы находитесь?", "address"),
    ],
)
def test_intents(said: str, intent: str) -> None:
    assert understand(said, RU).has(intent)


def test_goodbye_is_no_brand_of_tyres() -> None:
    assert understand("Thank you. Goodbye.", EN).goods.arguments == {}


@given(st.text(max_size=120), st.sampled_from(LANGUAGES))
def test_any_text_is_understood_somehow(text: str, language: str) -> None:
    heard = understand(text, vocabulary(language))
    assert heard.digits.isdigit() or not heard.digits


@given(st.text("абв", max_size=6), st.text("абв", max_size=6))
def test_distance_is_a_distance(one: str, two: str) -> None:
    assert distance(one, two) == distance(two, one)
    assert (distance(one, two) == 0) == (one == two)
    assert abs(len(one) - len(two)) <= distance(one, two) <= max(len(one), len(two))


@pytest.mark.parametrize(
    ("amount", "russian", "english"),
    [
        ("1.00", "1 рубль", "1 rouble"),
        ("2", "2 рубля", "2 roubles"),
        ("11.00", "11 рублей", "11 roubles"),
        ("21.01", "21 рубль 1 копейка", "21 roubles 1 kopeck"),
        ("12500.00", "12 500 рублей", "12,500 roubles"),
        ("10450.50", "10 450 рублей 50 копеек", "10,450 roubles 50 kopecks"),
    ],
)
def test_amounts_as_they_are_said(amount: str, russian: str, english: str) -> None:
    assert phrasing.money(Decimal(amount), RU) == russian
    assert phrasing.money(Decimal(amount), EN) == english


def test_dates_as_they_are_said() -> None:
    assert phrasing.day("2026-11-24", RU) == "24 ноября"
    assert phrasing.day("2026-11-24", EN) == "24 November"


def test_both_languages_have_the_same_phrases_and_intents() -> None:
    assert RU.phrases.keys() == EN.phrases.keys()
    assert RU.intents.keys() == EN.intents.keys()
    assert RU.status.keys() == EN.status.keys()
