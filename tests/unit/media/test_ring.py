"""The ring against a model: a bytearray of everything ever appended, and where the ring may begin."""

from functools import partial

import pytest
import trio
import trio.testing
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from callengine.media.audio import RATE
from callengine.media.ring import MAX_SECONDS, Ring

BLOCK = RATE


class RingMachine(RuleBasedStateMachine):
    """Any order of what the clock and the recognizer do."""

    def __init__(self) -> None:
        super().__init__()
        self.ring = Ring()
        self.all = bytearray()
        self.released = 0
        self.mark = 0

    def content(self, samples: int) -> bytes:
        """Never the same twice, so that a shifted read shows."""
        self.mark += 1
        return b"".join((self.mark * 7919 + n & 0xFFFF).to_bytes(2, "little") for n in range(samples))

    @rule(samples=st.one_of(st.just(160), st.integers(0, 700), st.integers(7000, 17000)), view=st.booleans())
    def append(self, samples: int, view: bool) -> None:
        raw = self.content(samples)
        self.ring.append(memoryview(raw) if view else raw)
        self.all += raw

    @rule(samples=st.one_of(st.integers(0, 2000), st.sampled_from((BLOCK, 5 * BLOCK, 20 * BLOCK))))
    def hole(self, samples: int) -> None:
        self.ring.append_silence(samples)
        self.all += bytes(2 * samples)

    @rule(share=st.floats(0.0, 1.2))
    def release(self, share: float) -> None:
        self.released = max(self.released, int(self.ring.end * share))
        self.ring.release(self.released)

    @rule(first=st.floats(-0.1, 1.1), size=st.one_of(st.integers(-5, 4000), st.integers(0, 20 * BLOCK)))
    def read(self, first: float, size: int) -> None:
        begin = int(self.ring.end * first)
        expected = self.all[2 * max(begin, self.ring.start) : 2 * max(0, min(begin + size, self.ring.end))]
        assert self.ring.read(begin, begin + size) == expected

    @rule()
    def read_all(self) -> None:
        assert self.ring.read(self.ring.start, self.ring.end) == self.all[2 * self.ring.start :]

    @invariant()
    def positions_are_call_time(self) -> None:
        assert self.ring.end == len(self.all) // 2

    @invariant()
    def it_holds_at_most_a_minute_and_says_what_it_dropped(self) -> None:
        ring = self.ring
        assert 0 <= ring.end - ring.start <= MAX_SECONDS * BLOCK
        assert len(ring._blocks) <= MAX_SECONDS
        assert ring.start % BLOCK == 0
        # what is gone was released, or dropped and counted
        assert ring.start - ring.dropped <= self.released
        if ring.end < MAX_SECONDS * BLOCK:
            assert ring.dropped == 0


RingMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestRing = RingMachine.TestCase


def test_beyond_a_minute_the_oldest_second_is_dropped_and_counted() -> None:
    ring = Ring()
    ring.append(b"\x01\x00" * BLOCK)
    ring.append_silence((MAX_SECONDS - 1) * BLOCK)
    assert (ring.start, ring.dropped) == (0, 0)
    ring.append(b"\x02\x00")
    assert (ring.start, ring.dropped, ring.end) == (BLOCK, BLOCK, MAX_SECONDS * BLOCK + 1)
    assert ring.read(0, 1) == b""
    assert ring.read(0, BLOCK + 1) == b"\x00\x00"  # from where it begins
    assert ring.read(ring.end - 1, ring.end) == b"\x02\x00"


def test_release_lets_go_of_whole_seconds_only() -> None:
    ring = Ring()
    ring.append_silence(3 * BLOCK)
    ring.release(2 * BLOCK - 1)
    assert ring.start == BLOCK
    ring.release(100 * BLOCK)
    assert ring.start == 2 * BLOCK  # the block being filled stays
    assert ring.dropped == 0


async def append_each_frame(ring: Ring) -> None:
    while True:
        await trio.sleep(0.02)
        ring.append_silence(160)


async def test_wait_for_ends_when_the_audio_is_there(autojump_clock: trio.testing.MockClock) -> None:
    ring = Ring()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(append_each_frame, ring)
        for position in (1, 800, 801, 4000, 0):
            await ring.wait_for(position)
            assert ring.end == max(-(-position // 160) * 160, ring.end)
        assert trio.current_time() == pytest.approx(0.5)
        nursery.cancel_scope.cancel()


async def test_wake_ends_a_wait_at_once(autojump_clock: trio.testing.MockClock) -> None:
    ring = Ring()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(ring.wait_for, 10**9))
        await trio.sleep(1)
        ring.wake()
    assert trio.current_time() == pytest.approx(1)


async def test_a_wake_while_nobody_waits_is_kept_for_one_wait(autojump_clock: trio.testing.MockClock) -> None:
    """The end of speech may come while the sender is sending: it must look before it waits for more audio."""
    ring = Ring()
    ring.wake()
    await ring.wait_for(10**9)
    with trio.move_on_after(1) as waited:
        await ring.wait_for(10**9)
    assert waited.cancelled_caught


async def test_a_cancelled_wait_leaves_the_next_one_whole(autojump_clock: trio.testing.MockClock) -> None:
    ring = Ring()
    with trio.move_on_after(1):
        await ring.wait_for(160)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(append_each_frame, ring)
        await ring.wait_for(800)
        nursery.cancel_scope.cancel()
    assert ring.end == 800
