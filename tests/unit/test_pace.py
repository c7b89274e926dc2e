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


def test_what_every_speech_has_besides_is_no_character_s() -> None:
    pace = Pace()
    for size in (10, 30, 80):
        pace.hear("а" * size, 800 + 400 * size, 1.0)
    assert pace.samples_per_character == pytest.approx(400)


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(1, 100_000)), min_size=1, max_size=20))
def test_a_pace_is_near_the_mean(speeches: list[tuple[int, int]]) -> None:
    pace = Pace()
    for size, samples in speeches:
        pace.hear("а" * size, samples, 1.0)
    mean = sum(samples for _, samples in speeches) / sum(size for size, _ in speeches)
    assert 0.69 * mean <= pace.samples_per_character <= 1.01 * mean
