"""The media clock in virtual time: an absolute schedule, equal phases, stalls, and faults that stay where they are."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import pairwise
from uuid import UUID

import pytest
import trio
import trio.testing

from callengine.errors import LocalProtocolError
from callengine.media.clock import PHASES, MediaClock
from callengine.media.leg import Leg
from callengine.media.marks import Identified, LineEnded
from tests.sim.wire import MemoryWire
from tests.strategies import packed
from tests.unit.media.sound import TONE, tone

ExpectErrorLog = Callable[[str], AbstractContextManager[None]]
Autojump = trio.testing.MockClock
CALL = UUID(int=7)


def add_leg(clock: MediaClock, wire: MemoryWire | None = None) -> tuple[Leg, MemoryWire]:
    wire = wire or MemoryWire()
    leg = Leg(wire, trio.current_time(), 60.0)
    clock.add(leg)
    return leg, wire


def times(wire: MemoryWire) -> list[float]:
    return [message.at for message in wire.messages()]


def spacings(wire: MemoryWire) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times(wire))]


async def test_every_leg_gets_a_frame_every_20_ms_and_none_drifts(autojump_clock: Autojump) -> None:
    clock = MediaClock()
    wires = [add_leg(clock)[1] for _ in range(7)]
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        began = trio.current_time()
        await trio.sleep(10.001)
        nursery.cancel_scope.cancel()
    for wire in wires:
        assert len(times(wire)) == 500
        assert spacings(wire) == pytest.approx([0.02] * 499, abs=1e-9)
        assert times(wire)[0] - began <= 0.02 + 1e-9
    assert clock.ticks == 2000


@pytest.mark.parametrize("legs", [1, 4, 7, 30])
async def test_phases_are_of_equal_size(autojump_clock: Autojump, legs: int) -> None:
    clock = MediaClock()
    wires = [add_leg(clock)[1] for _ in range(legs)]
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        await trio.sleep(0.0201)
        nursery.cancel_scope.cancel()
    by_phase = [sum(round(times(wire)[0] / 0.005) % PHASES == phase for wire in wires) for phase in range(PHASES)]
    assert sum(by_phase) == legs == len(clock.all_legs())
    assert max(by_phase) - min(by_phase) <= 1


async def test_a_leg_that_ended_leaves_its_place_to_the_next(autojump_clock: Autojump) -> None:
    clock = MediaClock()
    legs = [add_leg(clock)[0] for _ in range(8)]
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        legs[0].frames_dropped = 3
        legs[0].end("hangup")
        await trio.sleep(0.1)
        assert len(clock.all_legs()) == 7
        assert clock.frames_dropped == 3
        add_leg(clock)
        assert {len(phase) for phase in clock._phases} == {2}
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("stall", "at_once"),
    [(0.004, 1), (0.019, 1), (0.041, 2), (0.061, 3), (0.5, 3), (3.0, 3)],
)
async def test_after_a_stall_at_most_two_late_frames_of_speech(
    autojump_clock: Autojump, stall: float, at_once: int
) -> None:
    clock = MediaClock()
    talking, wire = add_leg(clock)
    _, silent = add_leg(clock)
    talking.playout.put(tone(16000))
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        await trio.sleep(0.1001)  # right after a tick of the talking leg
        before = len(times(wire))
        silent_before = len(times(silent))
        autojump_clock.jump(stall)
        await trio.sleep(0.0001)
        resumed = times(wire)[before:]
        assert len(resumed) <= at_once
        assert len(times(silent)) - silent_before <= 1  # silence is never caught up
        await trio.sleep(1.0)
        nursery.cancel_scope.cancel()
    after = [at for at in times(wire) if at > trio.current_time() - 0.9]
    later = [second - first for first, second in pairwise(after)]
    assert later == pytest.approx([0.02] * len(later), abs=1e-9)  # on the old schedule, no burst
    # nothing was thrown away: what went out is the speech, in order
    sent = b"".join(message.payload for message in wire.messages() if message.speech)
    assert tone(16000).startswith(sent)


async def test_a_slow_send_delays_nobody_by_more_than_itself(autojump_clock: Autojump) -> None:
    clock = MediaClock()
    slow, wires = MemoryWire(on_send=lambda: autojump_clock.jump(0.003)), []
    add_leg(clock, slow)
    wires = [add_leg(clock)[1] for _ in range(7)]
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        await trio.sleep(5.0)
        nursery.cancel_scope.cancel()
    for wire in wires:
        assert all(abs(spacing - 0.02) <= 0.0031 for spacing in spacings(wire)[1:])


@pytest.mark.parametrize(
    ("fault", "reason", "logged"),
    [
        (ConnectionResetError(104, "Connection reset by peer"), "hangup", False),
        (BrokenPipeError(32, "Broken pipe"), "hangup", False),
        (TimeoutError(110, "Connection timed out"), "reset", False),
        (OSError("without a number"), "reset", False),
        (RuntimeError("a bug"), "fault", True),
        (LocalProtocolError("our bug"), "fault", True),
        (IndexError(), "fault", True),
    ],
)
async def test_any_exception_of_one_leg_ends_that_leg_alone(
    autojump_clock: Autojump, expect_error_log: ExpectErrorLog, fault: Exception, reason: str, logged: bool
) -> None:
    clock = MediaClock()
    pairs = [add_leg(clock) for _ in range(8)]
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        await trio.sleep(1.001)
        pairs[0][1].fault = fault
        if logged:
            with expect_error_log("media_fault"):
                await trio.sleep(1.0)
        else:
            await trio.sleep(1.0)
        nursery.cancel_scope.cancel()
    assert pairs[0][0].ended is not None
    assert pairs[0][0].ended.reason == reason
    assert pairs[0][1].closed
    for leg, wire in pairs[1:]:
        assert leg.ended is None
        assert spacings(wire) == pytest.approx([0.02] * 99, abs=1e-9)


async def test_garbage_of_one_peer_ends_its_call_alone(autojump_clock: Autojump) -> None:
    clock = MediaClock()
    leg, wire = add_leg(clock)
    other, _ = add_leg(clock)
    wire.feed(b"GET / HTTP/1.1\r\n")
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    assert leg.ended is not None
    assert leg.ended.reason == "unknown_kind"
    assert other.ended is None


async def test_a_part_frame_is_finished_5_ms_later(autojump_clock: Autojump) -> None:
    """A payload over 5 ms late ends the call in Asterisk: the rest goes out in the very next phase."""
    clock = MediaClock()
    _, wire = add_leg(clock)
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        await trio.sleep(0.1)
        while wire.room is None or wire.room:  # until a frame was cut
            wire.room = 100
            await trio.sleep(0.0049)
        cut = wire.taken[-1][0]
        wire.room = None
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    rest = next((at, data) for at, data in wire.taken if at > cut)
    assert rest[0] - cut == pytest.approx(0.005)
    assert len(rest[1]) == 223


async def test_a_fault_while_finishing_ends_that_leg_alone(
    autojump_clock: Autojump, expect_error_log: ExpectErrorLog
) -> None:
    clock = MediaClock()
    leg, wire = add_leg(clock)
    _, other = add_leg(clock)
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        wire.room = 100
        while not leg.unfinished:  # noqa: ASYNC110 - virtual time, and no event tells of it
            await trio.sleep(0.001)
        wire.fault = RuntimeError("a bug")
        with expect_error_log("media_fault"):
            await trio.sleep(1.0)
        nursery.cancel_scope.cancel()
    assert leg.ended is not None
    assert leg.ended.reason == "fault"
    assert spacings(other) == pytest.approx([0.02] * len(spacings(other)), abs=1e-9)


async def test_a_stuck_leg_is_listed_once(autojump_clock: Autojump) -> None:
    clock = MediaClock()
    leg, wire = add_leg(clock)
    wire.room = 100
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        await trio.sleep(0.9)
        assert len(clock._unfinished) == 1
        await trio.sleep(0.3)
        assert leg.ended is not None
        assert leg.ended.reason == "stalled"
        assert not clock._unfinished
        assert len(clock.all_legs()) == 0
        nursery.cancel_scope.cancel()


async def test_lateness_is_counted_a_frame(autojump_clock: Autojump) -> None:
    clock = MediaClock()
    add_leg(clock)
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        await trio.sleep(0.5001)
        assert sum(clock.lateness_counts) == clock.lateness_counts[0] == 25
        autojump_clock.jump(0.049)
        await trio.sleep(0.001)
        nursery.cancel_scope.cancel()
    assert sum(clock.lateness_counts[1:]) == 1
    assert clock.lateness_counts[8] == 1  # between 40 and 100 ms late
    assert 0.04 < clock.lateness_sum < 0.05


async def test_what_the_peer_sends_is_heard(autojump_clock: Autojump) -> None:
    clock = MediaClock()
    leg, wire = add_leg(clock)
    wire.feed(TONE * 3)
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        await trio.sleep(0.03)
        nursery.cancel_scope.cancel()
    assert leg.ring.read(0, leg.ring.end) == tone() * 3


async def test_a_slow_receive_moves_no_frame_of_ours(autojump_clock: Autojump) -> None:
    clock = MediaClock()
    wires = [add_leg(clock, MemoryWire(on_receive=lambda: autojump_clock.jump(0.001)))[1] for _ in range(8)]
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        await trio.sleep(2.0)
        nursery.cancel_scope.cancel()
    for wire in wires:
        assert spacings(wire) == pytest.approx([0.02] * len(spacings(wire)), abs=1e-9)


async def test_what_a_peer_said_before_it_closed_is_heard_though_nothing_can_be_sent(autojump_clock: Autojump) -> None:
    clock = MediaClock()
    leg, wire = add_leg(clock, MemoryWire(send_fault=BrokenPipeError(32, "Broken pipe")))
    wire.feed(packed(0x01, CALL.bytes) + TONE)
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        marks = [mark async for mark in leg.marks]
        nursery.cancel_scope.cancel()
    assert marks == [Identified(CALL), LineEnded("hangup", "the peer closed")]
    assert leg.ring.read(0, leg.ring.end) == tone()


async def test_reads_that_do_not_fit_wait_for_the_sends_and_lose_nothing(autojump_clock: Autojump) -> None:
    """Twice as much to read as there is time: frames go out when they are due, what came in is read a little later."""
    clock = MediaClock()
    wires = [MemoryWire(on_receive=lambda: autojump_clock.jump(0.0002)) for _ in range(200)]
    legs = [add_leg(clock, wire)[0] for wire in wires]
    async with trio.open_nursery() as nursery:
        await nursery.start(clock.run)
        for _ in range(50):
            await trio.sleep(0.02)
            for wire in wires:
                wire.feed(TONE)
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    for leg, wire in zip(legs, wires, strict=True):
        assert all(abs(spacing - 0.02) <= 0.0017 for spacing in spacings(wire)[1:])  # eight reads of 0.2 ms
        assert leg.ended is None
        assert leg.ring.read(0, leg.ring.end).count(tone()) == 50
