"""Words told by proportion: in order, each once, in the piece of speech that it begins in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.tts.pace import USUAL, Pace, Words
from callengine.ports.synthesis import WordMark


@given(st.text("аб ", max_size=60), st.floats(1.0, 2000.0), st.lists(st.integers(1, 5000), min_size=1, max_size=12))
def test_every_word_is_in_one_piece(text: str, pace: float, sizes: list[int]) -> None:
    words, begin = Words(text, pace), 0
    marks: list[WordMark] = []
    for number, size in enumerate(sizes, 1):
        found = words.begun(begin, begin + size, last=number == len(sizes))
        assert all(begin <= mark.position < begin + size for mark in found)
        marks += found
        begin += size
    assert [text[mark.start :].split()[0] for mark in marks] == text.split()
    assert [mark.position for mark in marks] == sorted(mark.position for mark in marks)


def test_a_pace_is_that_of_all_that_was_said() -> None:
    pace = Pace()
    assert pace.samples_per_character == USUAL
    pace.hear("а" * 10, 5000, 1.0)
    pace.hear("а" * 10, 2000, 2.0)  # twice as fast
    assert pace.samples_per_character == pytest.approx(450)
