"""Damage done to recorded speech in every way a line can: exactly that is found, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.asterisk.alaw import Samples, through_alaw
from tests.asterisk.comparison import Comparison, Difference, Span, compare, is_late_audio
from tests.asterisk.finding import NotHeardError
from tests.speech import FIXTURES, load

FRAME = 160
CLIPS = {
    clip.name: through_alaw(np.frombuffer(clip.slin, "<i2"))
    for clip in load(FIXTURES / "ru")
    if clip.name in ("goodbye", "agent-newlocation", "demo-thanks")
}
SAID, OTHER = CLIPS["agent-newlocation"], CLIPS["goodbye"]
LOUD = [at for at in range(10 * FRAME, len(SAID) - 10 * FRAME, FRAME) if np.abs(SAID[at : at + FRAME]).max() > 1500]

places = st.sampled_from(LOUD[:-16])  # with enough speech behind them to be found again
frames = st.integers(1, 12)


def on_the_line(speech: Samples, before: int = 4000) -> Samples:
    """With silence of A-law around it."""
    return np.concatenate((np.full(before, 8, np.int16), speech, np.full(3000, 8, np.int16)))


def near(found: Span, place: int, length: int) -> bool:
    """The span is so long, and there but for samples that are alike by chance."""
    return found.length == length and abs(found.begin - place) < FRAME


def the_only(comparison: Comparison) -> Difference:
    assert len(comparison.differences) == 1, comparison.differences
    return comparison.differences[0]


@given(st.integers(0, 20000), st.sampled_from(sorted(CLIPS)))
def test_speech_that_nothing_happened_to(before: int, name: str) -> None:
    found = compare(CLIPS[name], on_the_line(CLIPS[name], before))
    assert (found.differences, found.clipped, found.exact) == ((), 0, True)
    assert found.level_db == 0
    assert found.begin == before
    assert found.heard_at(1000) == before + 1000


@given(places, frames)
def test_lost_frames(place: int, count: int) -> None:
    length = count * FRAME
    damaged = np.concatenate((SAID[:place], SAID[place + length :]))
    found = compare(SAID, on_the_line(damaged))
    lost = the_only(found)
    assert lost.kind == "missing"
    assert near(lost.said, place, length)
    assert lost.heard.length == 0
    assert found.exact
    assert found.level_db == pytest.approx(0, abs=0.5)  # what is left is as loud but for what is gone


@given(places, st.integers(1, 4))
def test_repeated_frames(place: int, count: int) -> None:
    length = count * FRAME
    damaged = np.concatenate((SAID[:place], SAID[place - length : place], SAID[place:]))
    found = the_only(compare(SAID, on_the_line(damaged)))
    assert found.kind == "repeated"
    assert found.heard.length == length
    assert found.said.length == 0
    assert abs(found.said.begin - place) < 2 * length


@given(places, frames)
def test_a_hole_of_silence(place: int, count: int) -> None:
    hole = np.zeros(count * FRAME, np.int16)
    found = the_only(compare(SAID, on_the_line(np.concatenate((SAID[:place], hole, SAID[place:])))))
    assert found.kind == "silence"
    assert near(found.said, place, 0)
    assert near(found.heard, 4000 + place, count * FRAME)


@given(places, st.lists(st.tuples(frames, st.integers(1, 3)), min_size=2, max_size=5))
def test_holes_with_a_packet_or_two_between_them(place: int, holes: list[tuple[int, int]]) -> None:
    parts, at = [SAID[:place]], place
    for count, packets in holes:
        parts += [np.zeros(count * FRAME, np.int16), SAID[at : at + packets * FRAME]]
        at += packets * FRAME
    heard = on_the_line(np.concatenate((*parts, SAID[at:])))
    found = compare(SAID, heard)
    assert [difference.kind for difference in found.differences] == ["silence"] * len(holes)
    assert sum(difference.heard.length for difference in found.differences) == sum(n for n, _ in holes) * FRAME
    assert all(is_late_audio(difference, SAID, heard) for difference in found.differences)
    assert found.exact


@given(st.sampled_from(LOUD[-16:]), frames, st.integers(1, 3))
def test_the_last_packets_stand_behind_a_hole(place: int, count: int, packets: int) -> None:
    said = SAID[: place + packets * FRAME]
    heard = np.concatenate((SAID[:place], np.zeros(count * FRAME, np.int16), said[place:]))
    found = compare(said, heard)
    assert the_only(found).kind == "silence"
    assert (the_only(found).heard.length, found.exact) == (count * FRAME, True)


@pytest.mark.parametrize(
    ("instead", "skipped", "late"), [(0, 0, True), (1000, 0, False), (0, 1, False), (1000, 1, False)]
)
@given(place=places, count=frames)
def test_what_a_busy_machine_has_held_up_is_told_from_damage(
    place: int, count: int, instead: int, skipped: int, late: bool
) -> None:
    length = count * FRAME
    other = np.full(length, instead, np.int16)
    heard = on_the_line(np.concatenate((SAID[:place], other, SAID[place + skipped * length :])))
    differences = compare(SAID, heard).differences
    assert differences
    assert all(is_late_audio(difference, SAID, heard) for difference in differences) == late


@given(st.integers(1, 40), st.integers(0, 3000))
def test_a_hole_in_silence_lies_where_the_silence_is(count: int, place: int) -> None:
    pause = np.full(3200, 8, np.int16)
    hole = np.zeros(count * FRAME, np.int16)
    said = np.concatenate((SAID, pause, OTHER))
    found = compare(said, on_the_line(np.concatenate((SAID, pause[:place], hole, pause[place:], OTHER))))
    assert the_only(found).kind == "silence"
    assert the_only(found).heard.length == count * FRAME
    assert found.exact


@given(st.integers(1, 18))
def test_a_hole_made_good_within_silence_is_no_difference(count: int) -> None:
    pause = np.full(3200, 8, np.int16)
    zeros = pause.copy()
    zeros[160 : 160 + count * FRAME] = 0
    found = compare(np.concatenate((SAID, pause, OTHER)), on_the_line(np.concatenate((SAID, zeros, OTHER))))
    assert (found.differences, found.exact) == ((), True)


@given(places)
def test_one_sample_that_is_another_is_not_exact(place: int) -> None:
    damaged = SAID.copy()
    damaged[place] += 16
    assert not compare(SAID, on_the_line(damaged)).exact


@given(places, frames, st.integers(0, 2**32 - 1))
def test_something_else_in_between(place: int, count: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(-8000, 8000, count * FRAME).astype(np.int16)
    found = the_only(compare(SAID, on_the_line(np.concatenate((SAID[:place], noise, SAID[place:])))))
    assert found.kind == "extra"
    assert near(found.heard, 4000 + place, count * FRAME)


@given(places, st.integers(1, 10))
def test_frames_that_are_silent_instead(place: int, count: int) -> None:
    damaged = SAID.copy()
    damaged[place : place + count * FRAME] = 0
    found = compare(SAID, on_the_line(damaged))
    assert {difference.kind for difference in found.differences} == {"replaced"}
    first, last = found.differences[0], found.differences[-1]
    assert place <= first.said.begin < place + FRAME
    assert place + (count - 1) * FRAME < last.said.end <= place + count * FRAME
    assert all(difference.said.length == difference.heard.length for difference in found.differences)


@given(st.lists(st.sampled_from(LOUD[::4]), min_size=2, max_size=8, unique=True))
def test_a_line_that_loses_frames_here_and_there(lost: list[int]) -> None:
    kept = [SAID[at : at + FRAME] for at in range(0, len(SAID), FRAME) if at not in lost]
    found = compare(SAID, on_the_line(np.concatenate(kept)))
    assert [difference.kind for difference in found.differences] == ["missing"] * len(lost)
    for difference, place in zip(found.differences, sorted(lost), strict=True):
        assert near(difference.said, place, FRAME)


@given(st.floats(-12, 3))
def test_another_level(level_db: float) -> None:
    louder = np.clip(np.rint(SAID * 10 ** (level_db / 20)), -32768, 32767).astype(np.int16)
    assert np.abs(louder).max() < 32767, "this speech is not to be clipped"
    found = compare(SAID, on_the_line(through_alaw(louder)))
    assert found.differences == ()
    assert found.clipped == 0
    assert found.level_db == pytest.approx(level_db, abs=0.25)  # quiet speech, coarse steps


@given(st.integers(8000, 14000))
def test_clipping(ceiling: int) -> None:
    found = compare(SAID, on_the_line(np.clip(SAID, -ceiling, ceiling)))
    size = np.abs(SAID.astype(np.int32))
    assert found.differences == ()
    assert found.clipped == np.count_nonzero(size - ceiling > 16 + size / 16) > 0
    assert not found.exact


@given(st.integers(1, 40))
def test_an_end_that_is_cut_off(count: int) -> None:
    cut = SAID[: len(SAID) - count * FRAME]
    heard = np.concatenate((np.full(4000, 8, np.int16), cut))
    assert the_only(compare(SAID, heard)).kind == "missing"
    assert the_only(compare(SAID, heard)).said == Span(len(cut), len(SAID))


@given(st.integers(1, 10))
def test_a_beginning_that_is_cut_off(count: int) -> None:
    first = LOUD[0]
    found = the_only(compare(SAID[first:], on_the_line(SAID[first + count * FRAME :])))
    assert found.kind == "missing"
    assert near(found.said, 0, count * FRAME)


def test_two_damages_near_the_beginning() -> None:
    lost = LOUD[2], LOUD[12]
    kept = [SAID[at : at + FRAME] for at in range(0, len(SAID), FRAME) if at not in lost]
    found = compare(SAID, on_the_line(np.concatenate(kept)))
    assert [near(difference.said, place, FRAME) for difference, place in zip(found.differences, lost, strict=True)]


@given(st.sampled_from(sorted(CLIPS)))
def test_other_speech_is_not_found(name: str) -> None:
    other = CLIPS["goodbye" if name != "goodbye" else "agent-newlocation"]
    with pytest.raises(NotHeardError, match="nowhere"):
        compare(CLIPS[name], on_the_line(other))
