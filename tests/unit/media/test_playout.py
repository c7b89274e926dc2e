"""The playout against a model: a list of frames with a head, and what the caller hears of it."""

import struct

import pytest
import trio
import trio.testing
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from callengine.media.audio import FRAME_BYTES, FRAME_SAMPLES, fade_in, fade_out
from callengine.media.playout import Playout


def numbered_frame(number: int) -> bytes:
    """A frame that no other one, nor any fade of one, equals."""
    return struct.pack("<160h", *([1000 + number] * FRAME_SAMPLES))


class PlayoutMachine(RuleBasedStateMachine):
    """Any order of the speaker's puts, the clock's ticks and the dialog's pauses."""

    def __init__(self) -> None:
        super().__init__()
        self.playout = Playout()
        self.made = 0
        self.waiting: list[bytes] = []  # put, not played and not flushed
        self.played = 0
        self.paused = False
        self.sounding = False  # the last tick gave whole speech
        self.falling: bytes | None = None  # the faded frame that is due
        self.rising = False

    @rule(frames=st.integers(0, 4))
    def put(self, frames: int) -> None:
        new = [numbered_frame(self.made + n) for n in range(frames)]
        self.made += frames
        self.playout.put(b"".join(new))
        self.waiting += new

    @rule()
    def tick(self) -> None:
        got = self.playout.next_frame()
        if self.falling is not None:
            expected: bytes | None = self.falling
            self.falling, self.sounding = None, False
        elif self.paused or not self.waiting:
            expected, self.sounding = None, False
        else:
            expected = self.waiting.pop(0)
            expected = fade_in(expected) if self.rising else expected
            self.rising, self.sounding = False, True
            self.played += FRAME_SAMPLES
        assert (None if got is None else bytes(got)) == expected

    def fall(self) -> None:
        self.rising = False
        if self.sounding and not self.paused and self.waiting:
            self.falling = fade_out(self.waiting[0])

    @rule()
    def pause(self) -> None:
        self.playout.pause()
        self.fall()
        self.paused = True

    @rule()
    def resume(self) -> None:
        self.playout.resume()
        if self.paused:
            self.paused = False
            self.rising = bool(self.waiting) and self.falling is None
            self.falling = None

    @rule()
    def flush(self) -> None:
        assert self.playout.queued - self.playout.played == len(self.waiting) * FRAME_SAMPLES
        self.playout.flush()
        assert self.playout.queued == self.playout.played
        self.fall()
        self.waiting, self.paused = [], False

    @invariant()
    def positions_agree(self) -> None:
        playout = self.playout
        assert playout.played == self.played <= playout.queued
        assert playout.queued - playout.played == len(self.waiting) * FRAME_SAMPLES
        assert playout.speaking == (bool(self.waiting) and not self.paused)


PlayoutMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestPlayout = PlayoutMachine.TestCase


def heard(playout: Playout, ticks: int) -> list[bytes | None]:
    frames = [playout.next_frame() for _ in range(ticks)]
    return [None if frame is None else bytes(frame) for frame in frames]


def test_a_flush_leaves_silence_after_one_faded_frame() -> None:
    playout, (first, second, third) = Playout(), map(numbered_frame, range(3))
    playout.put(first + second + third)
    assert heard(playout, 1) == [first]
    playout.flush()
    assert playout.queued == playout.played
    assert heard(playout, 3) == [fade_out(second), None, None]
    assert playout.played == playout.queued == FRAME_SAMPLES


def test_a_pause_is_heard_falling_and_rising_over_the_same_frame() -> None:
    playout, (first, second, third) = Playout(), map(numbered_frame, range(3))
    playout.put(first + second + third)
    assert heard(playout, 1) == [first]
    playout.pause()
    assert heard(playout, 3) == [fade_out(second), None, None]
    playout.resume()
    assert heard(playout, 3) == [fade_in(second), third, None]
    assert playout.played == 3 * FRAME_SAMPLES


def test_a_pause_between_a_resume_and_its_frame_loses_nothing() -> None:
    playout, (first, second) = Playout(), map(numbered_frame, range(2))
    playout.put(first + second)
    playout.next_frame()
    playout.pause()
    playout.next_frame()
    playout.resume()
    playout.pause()
    assert heard(playout, 2) == [None, None]
    playout.resume()
    assert heard(playout, 2) == [fade_in(second), None]


def test_a_resume_within_the_same_tick_is_not_heard() -> None:
    playout, (first, second) = Playout(), map(numbered_frame, range(2))
    playout.put(first + second)
    playout.next_frame()
    playout.pause()
    playout.resume()
    assert heard(playout, 2) == [second, None]


def test_half_a_frame_is_our_bug() -> None:
    with pytest.raises(AssertionError):
        Playout().put(bytes(FRAME_BYTES // 2))


async def play(playout: Playout, ticks: int) -> None:
    for _ in range(ticks):
        await trio.sleep(0.02)
        playout.next_frame()


async def test_wait_played_returns_when_the_frame_is_out(autojump_clock: trio.testing.MockClock) -> None:
    playout = Playout()
    playout.put(bytes(10 * FRAME_BYTES))
    await playout.wait_played(0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(play, playout, 10)
        await playout.wait_played(3 * FRAME_SAMPLES)
        assert playout.played == 3 * FRAME_SAMPLES
        await playout.wait_played(playout.queued)
    assert trio.current_time() == pytest.approx(0.2)


async def test_a_flush_ends_the_wait(autojump_clock: trio.testing.MockClock) -> None:
    playout = Playout()
    playout.put(bytes(10 * FRAME_BYTES))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(playout.wait_played, 5 * FRAME_SAMPLES)
        await play(playout, 2)
        playout.flush()
    assert playout.played == 2 * FRAME_SAMPLES


async def test_a_pause_holds_the_wait_until_the_resume(autojump_clock: trio.testing.MockClock) -> None:
    playout = Playout()
    playout.put(bytes(2 * FRAME_BYTES))
    playout.pause()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(play, playout, 100)
        with trio.move_on_after(1) as waited:
            await playout.wait_played(playout.queued)
        assert waited.cancelled_caught
        playout.resume()
        await playout.wait_played(playout.queued)
        nursery.cancel_scope.cancel()
    assert playout.played == 2 * FRAME_SAMPLES
