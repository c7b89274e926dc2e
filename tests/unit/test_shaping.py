"""Level, ends and fades of a voice's speech."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.tts.shaping import FADE, LEAD_IN, LEVEL_DBFS, TAIL, Level, Samples, Shaper, gain_for


def silence(samples: int) -> Samples:
    return np.zeros(samples, np.int16)


def tone(samples: int, amplitude: int = 5000) -> Samples:
    return (amplitude * np.sin(2 * np.pi * np.arange(samples) / 20)).astype(np.int16)


def shaped(raw: Samples, cuts: list[int], gain: float = 1.0) -> tuple[Samples, int]:
    shaper = Shaper(gain)
    pieces = [shaper.feed(piece) for piece in np.split(raw, sorted(cuts))]
    return np.concatenate([*pieces, shaper.finish()]), shaper.skipped


def test_silence_at_the_ends_is_cut_and_within_is_kept() -> None:
    raw = np.concatenate([silence(3000), tone(4000), silence(6000), tone(4000), silence(9000)])
    speech, skipped = shaped(raw, [])
    assert skipped == pytest.approx(3000 - LEAD_IN, abs=2)
    assert len(speech) == pytest.approx(LEAD_IN + 14000 + TAIL, abs=4)


@given(st.lists(st.integers(0, 12000), max_size=8))
def test_any_pieces_give_the_same_speech(cuts: list[int]) -> None:
    raw = np.concatenate([silence(1000), tone(3000), silence(3000), tone(2000), silence(3000)])
    whole, skipped = shaped(raw, [])
    speech, skipped_in_pieces = shaped(raw, cuts)
    assert skipped_in_pieces == skipped
    assert len(speech) == len(whole)
    assert np.array_equal(speech[FADE + LEAD_IN :], whole[FADE + LEAD_IN :])


def test_begins_and_ends_softly() -> None:
    speech, _ = shaped(tone(8000), [])
    assert abs(int(speech[0])) == 0
    assert abs(int(speech[-1])) == 0
    assert np.max(np.abs(speech[:8])) < np.max(np.abs(speech[100:120])) / 4


def test_silence_alone_is_no_speech() -> None:
    speech, _ = shaped(silence(5000), [2000])
    assert len(speech) == 0


def test_gain_brings_speech_to_the_level_whatever_the_pauses() -> None:
    raw = np.concatenate([tone(8000, 1000), silence(16000)])
    speech, _ = shaped(raw, [], gain_for(raw))
    rms = np.sqrt(np.mean(speech[1000:7000].astype(float) ** 2))
    assert 20 * np.log10(rms / 32768) == pytest.approx(LEVEL_DBFS, abs=0.2)
    assert gain_for(silence(0)) == 1.0


@given(st.floats(0.1, 20.0), st.lists(st.integers(0, 8000), max_size=4))
def test_too_loud_is_bent_not_clipped(gain: float, cuts: list[int]) -> None:
    speech, _ = shaped(tone(8000, 30000), cuts, gain=gain)
    assert np.max(np.abs(speech.astype(int))) <= 32767
    period = slice(1000, 1020)  # of two samples the louder one stays at least as loud
    order = np.argsort(tone(8000, 30000)[period], kind="stable")
    assert np.all(np.diff(speech[period].astype(int)[order]) >= 0)


def test_speech_at_its_level_is_not_bent() -> None:
    speech, _ = shaped(tone(8000, 20000), [], gain=1.0)
    assert np.array_equal(speech[1000:2000], tone(8000, 20000)[1000:2000])


def test_a_level_is_that_of_all_speech_heard() -> None:
    level = Level()
    assert (level.known, level.gain) == (False, 1.0)
    level.hear(silence(4000))
    assert not level.known
    for _ in range(3):
        level.hear(tone(1600, 1000))
        level.hear(silence(800))
    assert level.gain == pytest.approx(gain_for(tone(8000, 1000)), rel=0.01)
