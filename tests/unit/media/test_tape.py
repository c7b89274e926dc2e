"""A tape: both sides in call time, to the sample, whenever the recorder takes what is there."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.media.audio import FRAME_SAMPLES, RATE
from callengine.media.ring import MAX_SECONDS, Ring
from callengine.media.tape import MOST_SECONDS, SLACK_SAMPLES, Block, Second, Tape

TICK = 0.02


def frame(value: int) -> bytes:
    return value.to_bytes(2, "little", signed=True) * FRAME_SAMPLES


def samples(block: Block | None, count: int) -> list[int]:
    return list(memoryview(bytes(block)).cast("h")[:count]) if block is not None else [0] * count


@dataclass
class Sides:
    """What was taken of a tape, put together."""

    caller: list[int]
    agent: list[int]

    def add(self, seconds: list[Second]) -> None:
        for second in seconds:
            self.caller += samples(second.caller, second.samples)
            self.agent += samples(second.agent, second.samples)


def runs(found: list[int]) -> list[tuple[int, int, int]]:
    """Where each value that is no silence begins and how long it lasts: (value, begin, samples)."""
    runs: list[tuple[int, int, int]] = []
    for place, value in enumerate(found):
        if value and runs and runs[-1][0] == value and runs[-1][1] + runs[-1][2] == place:
            runs[-1] = (value, runs[-1][1], runs[-1][2] + 1)
        elif value:
            runs.append((value, place, 1))
    return runs


SPEECH = st.lists(st.tuples(st.integers(3, 120), st.integers(1, 80)), max_size=6)  # frames of silence, then of speech
JITTER = st.lists(st.floats(0, 0.009), min_size=1, max_size=7)


@given(SPEECH, JITTER, st.integers(1, 60), st.floats(0, 0.019))
def test_both_sides_are_where_they_were(
    speech: list[tuple[int, int]], jitter: list[float], every: int, phase: float
) -> None:
    """The agent speaks in runs, the clock jitters, the recorder takes every so many ticks: nothing is lost or moved."""
    ring, taken = Ring(), Sides([], [])
    tape = Tape(ring, 0.0)
    spoken = [value for silence, length in speech for value in [0] * silence + [1] * length] + [0] * 4
    for tick, speaks in enumerate(spoken, 1):
        now = tick * TICK + phase + jitter[tick % len(jitter)]
        ring.append(frame(tick % 1000))
        if speaks:
            tape.put(frame(1000 + tick), now)
        if tick % every == 0:
            taken.add(tape.take(now))
    taken.add(tape.finish())
    assert (
        taken.caller
        == [tick % 1000 for tick in range(1, len(spoken) + 1) for _ in range(FRAME_SAMPLES)][: len(taken.caller)]
    )
    heard = [(tick, found) for tick, found in zip(_ticks(spoken), runs(taken.agent), strict=True)]
    for tick, (value, begin, length) in heard:
        assert (value, length) == (1000 + tick, FRAME_SAMPLES)
        assert abs(begin - (tick * TICK + phase) * RATE) <= SLACK_SAMPLES + RATE * 0.009 + 1
    assert len(taken.caller) >= len(spoken) * FRAME_SAMPLES


def _ticks(spoken: list[int]) -> list[int]:
    return [tick for tick, speaks in enumerate(spoken, 1) if speaks]


def test_a_run_of_speech_stays_whole_however_the_clock_jitters() -> None:
    tape = Tape(Ring(), 0.0)
    for number, late in enumerate((0.0, 0.009, 0.001, 0.015, 0.0, 0.012)):
        tape.put(frame(7), 1.0 + number * TICK + late)
    taken = Sides([], [])
    taken.add(tape.finish())
    assert runs(taken.agent) == [(7, RATE, 6 * FRAME_SAMPLES)]


def test_what_was_said_before_the_recording_is_silence_and_times_stay() -> None:
    ring = Ring()
    ring.append_silence(RATE + 400)
    tape = Tape(ring, 0.0)
    ring.append(frame(5))
    tape.put(frame(9), 1.5)
    taken = Sides([], [])
    taken.add(tape.finish())
    assert runs(taken.caller) == [(5, RATE + 400, FRAME_SAMPLES)]
    assert runs(taken.agent) == [(9, RATE * 3 // 2, FRAME_SAMPLES)]


def test_a_second_waits_for_both_sides() -> None:
    ring = Ring()
    tape = Tape(ring, 0.0)
    ring.append_silence(2 * RATE + 1)
    assert tape.waiting == 2
    assert tape.take(1.05) == []
    assert len(tape.take(1.1)) == 1
    assert tape.take(1.9) == []
    tape.put(frame(3), 1.95)
    (second,) = tape.take(2.2)
    assert second.agent is not None


def test_a_recorder_that_hangs_costs_seconds_not_memory() -> None:
    ring = Ring()
    tape = Tape(ring, 0.0)
    for second in range(MOST_SECONDS + 5):
        tape.put(frame(1), second + 0.5)
        ring.append(frame(2) * 50)
    ring.append(frame(2))
    assert tape.lost_seconds == 5
    seconds = tape.finish()
    assert len(seconds) == MOST_SECONDS + 6
    assert sum(second.caller is None for second in seconds) == 5
    assert [second.agent is None for second in seconds].count(True) == 6


def test_a_second_that_was_handed_over_never_changes() -> None:
    """Beyond its sixty seconds the ring has other blocks for what comes, where a tape may still have the old ones."""
    ring = Ring()
    kept: list[bytearray] = []
    ring.on_full = kept.append
    for second in range(MAX_SECONDS + 10):
        ring.append(frame(1 + second) * 50)
    assert [block[0] for block in kept] == list(range(1, MAX_SECONDS + 10))
    assert all(set(samples(block, RATE)) == {block[0]} for block in kept)


@pytest.mark.parametrize("begin", [7999, 7840, 7841, 8000])
def test_a_frame_may_lie_in_two_seconds(begin: int) -> None:
    tape = Tape(Ring(), 0.0)
    tape.put(frame(4), (begin + 0.5) / RATE)
    taken = Sides([], [])
    taken.add(tape.finish())
    assert runs(taken.agent) == [(4, begin, FRAME_SAMPLES)]
