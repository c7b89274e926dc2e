"""Sizes in every spelling a caller or a recogniser uses come to one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.services.demo_store.sizes import keys_of_size, read_size, take_sizes


@pytest.mark.parametrize(
    "text",
    [
        "205/55 R16",
        "205 55 16",
        "205/55R16",
        "205/55/16",
        "205/55 ZR16",
        "205-55-16",
        "2055516",
        "205 на 55 на 16",
        "205 на 55 р16",
        "205/55 Р 16",
        "Есть зимние 205 55 R 16?",
    ],
)
def test_tyre_size_in_any_spelling(text: str) -> None:
    assert take_sizes(text)[0] == {"205/55 R16"}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("R16", "R16"),
        ("р 16", "R16"),
        ("16 дюймов", "R16"),
        ("16 inch wheels", "R16"),
        ("диски на 17", "R17"),
        ("радиуса 15", "R15"),
        ("6.5x16", "R16"),
        ("5х114", "5x114.3"),
        ("5 на 112", "5x112"),
        ("5x114,3", "5x114.3"),
        ("60 Ач", "60 Ah"),
        ("60 А·ч", "60 Ah"),
        ("60 ампер-часов", "60 Ah"),
        ("60 amp hours", "60 Ah"),
        ("77Ah", "77 Ah"),
    ],
)
def test_other_sizes(text: str, size: str) -> None:
    assert take_sizes(text)[0] == {size}


def test_what_a_size_is_made_of_is_not_read_twice() -> None:
    sizes, rest = take_sizes("шины 205/55 R16 и аккумулятор 60 Ач")
    assert sizes == {"205/55 R16", "60 Ah"}
    assert rest.split() == ["шины", "и", "аккумулятор"]


@pytest.mark.parametrize("text", ["", "4 шины", "заказ 1042", "8 999 000 10 42", "8990.00", "T-001"])
def test_other_numbers_are_no_sizes(text: str) -> None:
    assert take_sizes(text)[0] == frozenset()


@pytest.mark.parametrize(("text", "sizes"), [("16", {"R16"}), ("60", {"60 Ah"}), ("5", set()), ("большой", set())])
def test_a_bare_number_is_a_size_only_as_an_answer(text: str, sizes: set[str]) -> None:
    assert read_size(text) == sizes


def test_a_product_is_found_by_the_parts_of_its_size() -> None:
    assert keys_of_size("205/55 R16") == {"205/55 R16", "R16"}
    assert keys_of_size("6.5x16 5x114.3 ET45") == {"R16", "5x114.3"}
    assert keys_of_size("60 Ah") == {"60 Ah"}


@given(
    st.sampled_from(range(135, 336, 10)),
    st.sampled_from(range(30, 86, 5)),
    st.sampled_from(range(12, 25)),
    st.sampled_from(["{}/{} R{}", "{} {} {}", "{}/{}R{}", "{}/{}/{}", "{} на {} на {}", "{}-{}-{}"]),
)
def test_every_tyre_size_is_read(width: int, ratio: int, rim: int, spelling: str) -> None:
    assert take_sizes(spelling.format(width, ratio, rim))[0] == {f"{width}/{ratio} R{rim}"}


@given(st.text(max_size=80))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    sizes, rest = take_sizes(text)
    assert sizes or rest == text.casefold().replace("ё", "е")
