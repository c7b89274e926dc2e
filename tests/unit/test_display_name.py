"""A name through SIP's quotes and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.display_name import display_name
from tests.asterisk.sip import quoted


@given(st.text(max_size=40))
def test_a_name_comes_as_the_telephone_meant_it(name: str) -> None:
    assert display_name(quoted(name)[1:-1], "PJSIP/trunk-00000007") == name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (r"\А\н\н\а", "Анна"),  # any character may stand in a pair
        ("Анна \\", "Анна "),  # cut off in the middle of a pair
        ("", ""),
    ],
)
def test_pairs_that_no_telephone_needs(written: str, name: str) -> None:
    assert display_name(written, "PJSIP/1-2") == name


def test_a_name_that_no_telephone_wrote_is_left_alone() -> None:
    assert display_name(r"C:\n", "Local/100@inbound-1;2") == r"C:\n"
