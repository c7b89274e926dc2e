"""The gate's and the tracker's tables: what opens, closes, begins and pauses, to the frame and the sample."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.media.marks import SpeechBegan, SpeechPaused
from callengine.media.vad import GATE_CLOSE_FRAMES, PAUSE_WINDOWS, WINDOW_SAMPLES, Gate, SpeechTracker


@pytest.mark.parametrize(
    ("frames", "opens_at"),
    [
        ("11", 1),
        ("101", 2),
        ("1001", None),
        ("10011", 4),
        ("100101", 5),
        ("0000", None),
        ("110", 1),
        ("0", None),
    ],
)
def test_the_gate_opens_on_two_voiced_frames_of_three(frames: str, opens_at: int | None) -> None:
    gate = Gate()
    moved = [gate.feed(frame == "1") for frame in frames]
    assert [index for index, move in enumerate(moved) if move] == ([] if opens_at is None else [opens_at])
    assert gate.open is (opens_at is not None)


def test_the_gate_closes_after_300_ms_without_a_voice() -> None:
    gate = Gate()
    gate.feed(True)
    gate.feed(True)
    for _ in range(3):
        assert not any(gate.feed(False) for _ in range(GATE_CLOSE_FRAMES - 1))
        assert not gate.feed(True)  # one voiced frame starts the count anew
    moved = [gate.feed(False) for _ in range(GATE_CLOSE_FRAMES)]
    assert moved == [False] * (GATE_CLOSE_FRAMES - 1) + [True]
    assert not gate.open
    assert not gate.feed(True)  # it opens on two of three again, not on what was before


@given(st.lists(st.booleans(), max_size=200))
def test_the_gate_says_every_move_once(frames: list[bool]) -> None:
    gate = Gate()
    for voiced in frames:
        before = gate.open
        assert gate.feed(voiced) is (gate.open is not before)


def feed_all(tracker: SpeechTracker, probabilities: list[float]) -> list[SpeechBegan | SpeechPaused | None]:
    return [tracker.feed(value, index * WINDOW_SAMPLES) for index, value in enumerate(probabilities)]


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ([0.9, 0.9], [None, SpeechBegan(0)]),
        ([0.5, 0.5], [None, SpeechBegan(0)]),
        ([0.49, 0.9, 0.9], [None, None, SpeechBegan(WINDOW_SAMPLES)]),
        ([0.9, 0.4, 0.9], [None, None, None]),  # never two in a row
        ([0.9, 0.9] + [0.1] * 4, [None, SpeechBegan(0), None, None, None, SpeechPaused(2 * WINDOW_SAMPLES)]),
        ([0.9, 0.9] + [0.4] * 9, [None, SpeechBegan(0)] + [None] * 9),  # neither speech nor silence
        # a doubtful window neither counts nor starts the count anew; a loud one does
        ([0.9, 0.9, 0, 0, 0, 0.4, 0], [None, SpeechBegan(0), None, None, None, None, SpeechPaused(2 * WINDOW_SAMPLES)]),
        ([0.9, 0.9, 0, 0, 0, 0.5, 0], [None, SpeechBegan(0), None, None, None, None, None]),
    ],
)
def test_the_tracker_s_table(probabilities: list[float], expected: list[SpeechBegan | SpeechPaused | None]) -> None:
    assert feed_all(SpeechTracker(), probabilities) == expected


def test_closing_says_a_pause_only_where_speech_was() -> None:
    tracker = SpeechTracker()
    assert tracker.close() is None
    tracker.feed(0.9, 0)
    assert tracker.close() is None  # not yet confirmed
    assert tracker.feed(0.9, 256) is None  # and not remembered
    assert tracker.feed(0.9, 512) == SpeechBegan(256)
    assert tracker.close() == SpeechPaused(768)
    assert tracker.close() is None


@given(st.lists(st.one_of(st.none(), st.floats(0.0, 1.0)), max_size=120))
def test_speech_begins_and_pauses_in_turn_and_in_order(windows: list[float | None]) -> None:
    tracker, marks = SpeechTracker(), []
    for index, probability in enumerate(windows):
        begin = index * WINDOW_SAMPLES
        mark = tracker.close() if probability is None else tracker.feed(probability, begin)
        if mark is not None:
            marks.append(mark)
            assert mark.position <= begin + WINDOW_SAMPLES
    assert all(isinstance(mark, SpeechBegan if n % 2 == 0 else SpeechPaused) for n, mark in enumerate(marks))
    assert [mark.position for mark in marks] == sorted(mark.position for mark in marks)
    assert tracker.speaking is (len(marks) % 2 == 1)


def test_four_quiet_windows_are_128_ms() -> None:
    assert PAUSE_WINDOWS * WINDOW_SAMPLES / 8000 == 0.128
