"""Text as it is spoken: figures in words, nothing for the eye, and the way back to the prompt's characters."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.voice.spoken import spoken_text

LANGUAGES = st.sampled_from(["ru-RU", "en-GB", "en-US"])
LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя" + string.ascii_lowercase
FIGURES = "0123456789 ₽$R/хx.,:-–+()№#%°&*_[]~`|>\n\u00a0рубшткпмлвгдtheamp🙂"
PIECES = st.sampled_from(
    ["12 500", "1 299,90", "₽", "руб.", "205/55", "R16", "24.11.2026", "9:00", "–", "+7 916 123-45-67", "№ 1042", "5-й",
     "от", "до", "за", "штуки", "мм", "%", "**", "[шины](https://a.ru)", "https://shop.ru/x?y=1", "заказ",
     "10 р", "½", "²", "2026 года", "3 ноября", "тыс.", "am", "1st", "٣", "Ⅷ", "<b>", "&nbsp;", "x", "6.5x16", "."]
)  # fmt: skip
ODD = st.one_of(st.text(max_size=80), st.text(FIGURES, max_size=60), st.lists(PIECES, max_size=10).map(" ".join))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Цена 1\u00a0299,90 ₽", "Цена одна тысяча двести девяносто девять рублей девяносто копеек"),
        ("за 1 200 ₽", "за одну тысячу двести рублей"),
        ("от 5 000 ₽ до 10 001 руб.", "от пяти тысяч рублей до десяти тысяч одного рубля."),
        ("1 рубль 1 копейка", "один рубль одна копейка"),
        ("к 2 рублям", "к двум рублям"),
        ("101,02 р. за шт.", "сто один рубль две копейки за шт."),
        ("2,5 тыс. руб. за", "две тысячи пятьсот рублей за"),
        ("$12.50", "двенадцать долларов пятьдесят центов"),
        ("1 000 000 рублей", "один миллион рублей"),
        ("шина 205/55 R16 91T.", "шина двести пять на пятьдесят пять эр шестнадцать девяносто один T."),
        ("диск 6.5x16 5x114.3 ET45", "диск шесть и пять на шестнадцать пять на сто четырнадцать и три ET сорок пять"),
        (
            "осталось 2 штуки, 1 шина, 2 диска, 21 минута",
            "осталось две штуки, одна шина, два диска, двадцать одна минута",
        ),
        ("в 3 магазинах с 4 шинами", "в трёх магазинах с четырьмя шинами"),
        ("более 1 000 штук", "более одной тысячи штук"),
        ("3 шт. на складе", "три штуки на складе"),
        ("60 Ач, 12 В, 1,5 л", "шестьдесят ампер-часов, двенадцать вольт, одна целая пять десятых литра"),
        ("скидка -5 %, 1,5%", "скидка минус пять процентов, одна целая пять десятых процента"),
        ("24 ноября", "двадцать четвёртого ноября"),
        ("на 24.11.2026", "на двадцать четвёртое ноября две тысячи двадцать шестого года"),
        ("к 5 марта", "к пятому марта"),
        ("2026-11-24", "двадцать четвёртого ноября две тысячи двадцать шестого года"),
        ("в 2026 году", "в две тысячи двадцать шестом году"),
        ("В 10:30", "В десять часов тридцать минут"),
        ("с 9:00 до 21:00", "с девяти часов до двадцати одного часа"),
        ("09:00–21:00", "с девяти часов до двадцати одного часа"),
        ("8 495 000 01 01", "восемь, четыреста девяносто пять, ноль ноль ноль, ноль один, ноль один"),
        ("+7 (916) 123-45-67", "плюс семь, девятьсот шестнадцать, сто двадцать три, сорок пять, шестьдесят семь"),
        ("Заказ 1042 готов", "Заказ десять сорок два готов"),
        ("заказ № 10425.", "заказ номер сто четыре двадцать пять."),
        ("заказ 2 шины", "заказ две шины"),
        ("артикул AB-1234", "артикул AB двенадцать тридцать четыре"),
        ("5-й заказ, 2-го числа", "пятый заказ, второго числа"),
        ("5-7 дней", "пять-семь дней"),
        ("позиция 007", "позиция ноль ноль семь"),
    ],
)
def test_russian_as_a_person_would_say_it(text: str, spoken: str) -> None:
    assert spoken_text(text, "ru-RU").text == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("1,299.90 roubles", "one thousand two hundred and ninety-nine roubles ninety kopecks"),
        ("12,500 ₽", "twelve thousand five hundred roubles"),
        ("$12.50 or £1", "twelve dollars fifty cents or one pound"),
        ("tyre 205/55 R16 91T", "tyre two oh five fifty-five R sixteen ninety-one T"),
        ("6.5x16", "six point five by sixteen"),
        ("24 November 2026", "the twenty-fourth of November twenty twenty-six"),
        ("the 5th of May", "the fifth of May"),
        ("Nov 24", "November twenty-fourth"),
        ("24/11/2026", "the twenty-fourth of November twenty twenty-six"),
        ("9:00-21:00", "nine AM to nine PM"),
        ("at 10:30 am, 14:05, 12:00", "at ten thirty AM, two oh five PM, twelve o'clock"),
        ("+44 20 7946 0958", "plus four four, two zero, seven nine, four six, zero nine, five eight"),
        ("Order 1042, order #7", "Order one zero four two, order number seven"),
        ("1.5 litres, 10%, 5 mm", "one point five litres, ten per cent, five millimetres"),
        ("the 1st of 21", "the first of twenty-one"),
    ],
)
def test_english_as_a_person_would_say_it(text: str, spoken: str) -> None:
    assert spoken_text(text, "en-GB").text == spoken


def test_the_month_comes_first_in_america() -> None:
    assert spoken_text("5/6/2026", "en-US").text.startswith("the sixth of May")
    assert spoken_text("5/6/2026", "en-GB").text.startswith("the fifth of June")


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("**Да**, _есть_ `шины` 🙂👍🏽", "Да, есть шины"),
        ("## Шины\n- Nokian\n- Michelin", "Шины Nokian Michelin"),
        ("| а | б |\n|---|---|\n| в | г |", "а б в г"),
        ("[наш сайт](https://shop.ru/a?b=1)", "наш сайт"),
        ("Смотрите https://www.shop.ru/tyres?id=x, там всё", "Смотрите shop точка ru, там всё"),
        ("пишите info@shop.ru.", "пишите info собака shop точка ru."),
        ("<b>жирно</b>&nbsp;и &amp;", "жирно и и"),
        ("мягкий пере\u00adнос\u200b", "мягкий перенос"),
    ],
)
def test_what_is_for_the_eye_is_not_said(text: str, spoken: str) -> None:
    assert spoken_text(text, "ru-RU").text == spoken


def test_other_languages_keep_their_figures_for_the_voice() -> None:
    assert spoken_text("**12 500** Euro, 205", "de-DE").text == "12500 Euro, 205"


@given(ODD, LANGUAGES)
def test_any_text_is_taken_and_no_figure_or_mark_is_left(text: str, language: str) -> None:
    spoken = spoken_text(text, language).text
    assert not any(character.isdigit() for character in spoken)
    assert not set(spoken) & set("<>{}[]\\|^~`*_#=+₽№%\n\t\u200d🙂")
    assert "://" not in spoken
    assert spoken == spoken.strip()


@given(ODD, LANGUAGES)
def test_what_is_spoken_stays_as_it_is(text: str, language: str) -> None:
    once = spoken_text(text, language).text
    assert spoken_text(once, language).text == once


@given(st.lists(st.text(LETTERS, min_size=1, max_size=9), min_size=1, max_size=12), LANGUAGES)
def test_plain_words_are_not_touched(words: list[str], language: str) -> None:
    text = ", ".join(words) + "."
    spoken = spoken_text(text, language)
    assert spoken.text == text
    assert spoken.origins == tuple(range(len(text)))


@given(ODD, st.sampled_from(["ru-RU", "en-GB", "fr-FR"]))
def test_every_spoken_character_comes_from_one_of_the_prompt(text: str, language: str) -> None:
    spoken = spoken_text(text, language)
    assert len(spoken.origins) == len(spoken.text)
    assert list(spoken.origins) == sorted(spoken.origins)
    assert all(0 <= origin < len(text) for origin in spoken.origins)


@given(st.integers(0, 10**15), LANGUAGES)
def test_long_figures_are_said_in_groups(number: int, language: str) -> None:
    assert spoken_text(f"{number} ₽", language).text
