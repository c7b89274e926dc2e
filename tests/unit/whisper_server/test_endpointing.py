"""Utterances: what begins and ends one, for any sequence of probabilities."""

from hypothesis import given
from hypothesis import strategies as st
from whisper_server.endpointing import MIN_SPEECH_WINDOWS, PRE_ROLL_MS, Ended, Endpointer, Mark, Paused, Started

WINDOW = 256
QUIET, LOUD = 0.02, 0.97
runs = st.lists(st.tuples(st.sampled_from([QUIET, 0.4, 0.6, LOUD]), st.integers(1, 40)), max_size=30)


def marks(endpointer: Endpointer, probabilities: list[float]) -> list[Mark]:
    found = [endpointer.feed(probability) for probability in probabilities]
    return [mark for mark in found if mark is not None]


def test_an_utterance_has_pre_roll_and_post_roll_and_ends_after_the_silence() -> None:
    endpointer = Endpointer(8000, 500)
    started, paused, ended = marks(endpointer, [QUIET] * 30 + [LOUD] * 30 + [QUIET] * 16)
    assert started == Started(start=30 * WINDOW - 8 * PRE_ROLL_MS, at=30 * WINDOW)
    assert paused == Paused(end=66 * WINDOW, at=60 * WINDOW)
    assert ended == Ended(end=66 * WINDOW, at=60 * WINDOW)
    assert not endpointer.speaking


def test_silence_one_window_short_does_not_end_it() -> None:
    endpointer = Endpointer(8000, 500)
    assert len(marks(endpointer, [LOUD] * 10 + [QUIET] * 15 + [LOUD])) == 2
    assert endpointer.speaking


def test_sensitivities_differ_by_their_silence() -> None:
    spans = []
    for silence_ms in (700, 500, 300):
        endpointer = Endpointer(8000, silence_ms)
        marks(endpointer, [LOUD] * 10)
        spans.append(next(n for n in range(1, 100) if isinstance(endpointer.feed(QUIET), Ended)))
    assert spans == [22, 16, 9]


def test_a_click_is_not_speech() -> None:
    assert marks(Endpointer(8000, 500), ([LOUD] * (MIN_SPEECH_WINDOWS - 1) + [QUIET]) * 20) == []


def test_finish_ends_open_speech_where_it_was_cut() -> None:
    endpointer = Endpointer(8000, 500)
    marks(endpointer, [LOUD] * 10)
    assert endpointer.finish() == Ended(end=10 * WINDOW, at=10 * WINDOW)
    assert endpointer.finish() is None


def test_at_16_khz_positions_double() -> None:
    started, *_ = marks(Endpointer(16_000, 500), [QUIET] * 30 + [LOUD] * 5)
    assert started == Started(start=30 * 512 - 16 * PRE_ROLL_MS, at=30 * 512)


@given(runs, st.sampled_from([300, 500, 700]))
def test_marks_alternate_and_utterances_never_overlap(pieces: list[tuple[float, int]], silence_ms: int) -> None:
    endpointer = Endpointer(8000, silence_ms)
    probabilities = [value for value, count in pieces for _ in range(count)]
    floor, open_start, keep, pause = 0, None, 0, None
    for number, probability in enumerate(probabilities, 1):
        mark = endpointer.feed(probability)
        match mark:
            case Started(start, at):
                assert open_start is None
                assert max(floor, keep) <= start <= at < number * WINDOW
                open_start = start
            case Paused():
                assert open_start is not None
                pause = mark
            case Ended(end, at):
                assert open_start is not None
                assert open_start < at <= end <= number * WINDOW
                assert pause == Paused(end, at), "the pause must name the very audio of the end"
                floor, open_start, pause = end, None, None
        if not endpointer.speaking:
            assert endpointer.keep_from >= keep
            keep = endpointer.keep_from
    assert endpointer.speaking == (open_start is not None)
