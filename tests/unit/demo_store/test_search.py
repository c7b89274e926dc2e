"""What callers ask for is found, in Russian and English, in any form of a word."""

from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.services.demo_store.database import load_data
from callengine.services.demo_store.search import Found, Index, build_index, find, same_brand, stem

TYRES = {f"T-{number:03}" for number in range(1, 23)}
WHEELS = {f"W-{number:03}" for number in range(1, 9)}
BATTERIES = {f"B-{number:03}" for number in range(1, 11)}
WINTER = {f"T-{number:03}" for number in range(1, 13)}


@cache
def shop() -> Index:
    products = [{"season": None, "studded": None, **product} for product in load_data("products")["product"]]
    return build_index(products, load_data("words"))


@pytest.fixture
def search() -> Callable[[str], Found]:
    return lambda text: find(shop(), text)


@pytest.mark.parametrize(
    ("text", "products"),
    [
        ("зимние шины", WINTER),
        ("Зимнюю резину", WINTER),
        ("ЗИМНИЕ ПОКРЫШКИ", WINTER),
        ("winter tyres", WINTER),
        ("winter tires", WINTER),
        ("аккумулятор", BATTERIES),
        ("аккумуляторы", BATTERIES),
        ("аккамулятор", BATTERIES),
        ("АКБ", BATTERIES),
        ("a car battery, please", BATTERIES),
        ("колёса", TYRES | WHEELS),
        ("колеса", TYRES | WHEELS),
        ("шины или диски", TYRES | WHEELS),
        ("литые диски", {"W-001", "W-002", "W-003", "W-004", "W-007"}),
        ("нешипованная зимняя резина", {"T-002", "T-004", "T-010"}),
        ("зимние шины Мишлен", {"T-003", "T-004"}),
        ("Michelin Primacy 4", {"T-013"}),
        ("зимние шины 205 55 16", {"T-001", "T-002", "T-003", "T-009"}),
        ("Есть ли у вас зимние шины размера 205/55 R16?", {"T-001", "T-002", "T-003", "T-009"}),
        ("сколько стоит аккумулятор на 60 ампер", {"B-001", "B-002", "B-003"}),
        ("диски 5х114 на 16", {"W-002", "W-006"}),
    ],
)
def test_found(search: Callable[[str], Found], text: str, products: set[str]) -> None:
    found = search(text)
    assert set(found.scores) == products
    assert found.unmatched == ()


def test_an_unknown_brand_is_named_and_left_aside(search: Callable[[str], Found]) -> None:
    found = search("летние шины Пирелли")
    assert set(found.scores) == {f"T-{number:03}" for number in range(13, 21)}
    assert found.unmatched == ("пирелли",)


def test_nothing_known_finds_nothing(search: Callable[[str], Found]) -> None:
    assert search("привет, погода") == Found({}, ("привет", "погода"))
    assert search("") == Found({}, ())
    assert not search("зимний аккумулятор").scores


def test_a_number_in_a_name_ranks_but_is_not_required(search: Callable[[str], Found]) -> None:
    scores = search("4 зимние шины Мишлен").scores
    assert set(scores) == {"T-003", "T-004"}
    assert scores["T-003"] > scores["T-004"]  # X-Ice North 4


def test_brands_as_they_are_said() -> None:
    words = load_data("words")
    assert same_brand("мишлен", "Michelin", words)
    assert same_brand("MICHELIN", "Michelin", words)
    assert same_brand("Нокиан", "Nokian Tyres", words)
    assert not same_brand("пирелли", "Michelin", words)
    assert not same_brand("", "Michelin", words)


def test_stems_by_alphabet() -> None:
    assert {stem(word) for word in ("шина", "шины", "шинами", "шин")} == {"шин"}
    assert stem("batteries") == stem("battery")


@given(st.text(max_size=200))
def test_any_text_is_searched_without_a_fault(text: str) -> None:
    known = TYRES | WHEELS | BATTERIES
    assert known.issuperset(find(shop(), text).scores)
