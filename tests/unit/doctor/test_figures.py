"""How figures are shown, and that an address shows no secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.doctor.figures import percentile, shown_bytes, shown_ms, shown_url

TIMES = st.lists(st.floats(0, 100), min_size=1, max_size=50)
WORDS = st.text("abcXYZ019", min_size=1, max_size=10)


@given(TIMES, st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_as_many_do_not_exceed_it(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < max(share * len(values), 1)


def test_the_usual_ones() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.9, 0.99, 1.0)] == [50, 90, 99, 100]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.00004, "0.04 ms"), (0.0031, "3.1 ms"), (0.25, "250 ms"), (0.0099999, "10.0 ms")]
)
def test_milliseconds(seconds: float, shown: str) -> None:
    assert shown_ms(seconds) == shown


def test_megabytes_then_gigabytes() -> None:
    assert [shown_bytes(64 << 20), shown_bytes(20 << 30)] == ["64 MB", "20 GB"]


@given(WORDS, WORDS, WORDS)
def test_an_address_is_shown_without_user_password_and_query(user: str, password: str, key: str) -> None:
    url = f"https://u{user}:p{password}@store.example:3000/api/v1/?key={key}"
    assert shown_url(url) == "https://store.example:3000/api/v1"
