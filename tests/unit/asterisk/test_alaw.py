"""G.711 A-law against the values of its standard."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.asterisk.alaw import SILENCE, decode, encode, through_alaw

LARGEST = 32256  # the 4032 of the standard's 13 bits, in 16


@pytest.mark.parametrize(
    ("byte", "level"), [(0xD5, 8), (0x55, -8), (0xAA, LARGEST), (0x2A, -LARGEST), (0xD4, 24), (0xC5, 264), (0x80, 5504)]
)
def test_levels_of_the_standard(byte: int, level: int) -> None:
    assert decode(bytes([byte]))[0] == level
    assert encode(np.array([level], np.int16)) == bytes([byte])


def test_zero_and_what_is_too_loud() -> None:
    assert encode(np.array([0, 32767, -32768], np.int16)) == bytes([SILENCE, 0xAA, 0x2A])


@given(st.binary(max_size=400))
def test_what_is_decoded_is_encoded_as_it_was(payload: bytes) -> None:
    assert encode(decode(payload)) == payload


@given(st.lists(st.integers(-LARGEST, LARGEST), min_size=1))
def test_a_sample_changes_by_half_a_step_at_most(values: list[int]) -> None:
    samples = np.array(values, np.int16)
    change = np.abs(through_alaw(samples).astype(np.int32) - samples)
    assert np.all(change <= np.maximum(8, np.abs(samples.astype(np.int32)) / 32))
