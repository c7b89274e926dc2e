"""A leg's mouth: a frame every tick, nothing lost in a slow socket but whole frames, and 0x00 the last thing sent."""

import struct
from collections.abc import Callable

import pytest
import trio.testing

from callengine.media.audio import FRAME_BYTES, SILENCE_FRAME
from callengine.media.frames import MESSAGE_BYTES
from callengine.media.leg import Leg
from tests.sim.wire import MemoryWire

TICK = 0.02


@pytest.fixture
def line(mock_clock: trio.testing.MockClock) -> tuple[Leg, MemoryWire]:
    wire = MemoryWire()
    return Leg(wire, 0.0, 60.0), wire


def speech(frames: int) -> bytes:
    """Frames that can be told apart."""
    return b"".join(struct.pack("<160h", *([100 + n] * 160)) for n in range(frames))


def frame(number: int) -> bytes:
    return speech(number + 1)[-FRAME_BYTES:]


def payloads(wire: MemoryWire) -> list[bytes]:
    return [message.payload for message in wire.messages()]


async def test_every_tick_sends_silence_or_speech(line: tuple[Leg, MemoryWire]) -> None:
    leg, wire = line
    leg.send(0.02, 0)
    leg.playout.first = leg.playout.queued  # an answer begins
    leg.playout.put(speech(2))
    for n in range(2, 6):
        leg.send(n * TICK, 0)
    assert payloads(wire) == [SILENCE_FRAME, frame(0), frame(1), SILENCE_FRAME, SILENCE_FRAME]
    assert {message.kind for message in wire.messages()} == {0x10}
    assert all(len(data) == MESSAGE_BYTES for _, data in wire.taken)  # header and payload in one write
    assert (leg.spoke_at, leg.silent_from) == (2 * TICK, 4 * TICK)
    assert not leg.talking


@pytest.mark.parametrize("room", [1, 2, 3, 4, 200, MESSAGE_BYTES - 1])
async def test_a_part_frame_is_finished_in_the_next_phase(line: tuple[Leg, MemoryWire], room: int) -> None:
    leg, wire = line
    leg.playout.put(speech(2))
    wire.room = room
    leg.send(0.02, 0)
    assert leg.unfinished
    assert not leg.finish(0.025)
    wire.room = None
    assert leg.finish(0.030)
    leg.send(0.04, 0)
    assert payloads(wire) == [frame(0), frame(1)]
    assert leg.frames_dropped == 0


async def test_a_part_frame_still_there_at_the_next_tick_goes_before_the_next_frame(
    line: tuple[Leg, MemoryWire],
) -> None:
    leg, wire = line
    leg.playout.put(speech(3))
    wire.room = 100
    leg.send(0.02, 0)
    leg.send(0.04, 0)  # nothing fits: this tick's frame is not sent
    assert leg.frames_dropped == 1
    wire.room = None
    leg.send(0.06, 0)
    assert payloads(wire) == [frame(0), frame(1)]


async def test_a_frame_that_does_not_fit_at_all_is_dropped_and_counted(line: tuple[Leg, MemoryWire]) -> None:
    leg, wire = line
    leg.playout.put(speech(3))
    wire.room = 0
    leg.send(0.02, 0)
    wire.room = None
    leg.send(0.04, 0)
    assert payloads(wire) == [frame(1)]
    assert leg.frames_dropped == 1
    assert not leg.unfinished


async def test_no_progress_for_a_second_ends_the_call(line: tuple[Leg, MemoryWire]) -> None:
    leg, wire = line
    leg.send(0.02, 0)
    wire.room = 100
    leg.send(0.04, 0)
    now = 0.04
    while leg.ended is None:
        now += TICK
        leg.send(now, 0)
    assert leg.ended.reason == "stalled"
    assert 1.04 < now < 1.08
    assert wire.closed


async def test_a_slow_reader_is_no_stall(line: tuple[Leg, MemoryWire]) -> None:
    leg, wire = line
    for n in range(1, 200):
        wire.room = 5
        leg.send(n * TICK, 0)
    assert leg.ended is None
    assert leg.frames_dropped > 100


@pytest.mark.parametrize(("late", "sent"), [(0, 1), (1, 2), (2, 3), (3, 3), (50, 3)])
async def test_at_most_two_late_frames_of_speech(line: tuple[Leg, MemoryWire], late: int, sent: int) -> None:
    leg, wire = line
    leg.playout.put(speech(9))
    leg.send(0.02, late)
    assert payloads(wire) == [frame(n) for n in range(sent)]


async def test_silence_is_never_caught_up(line: tuple[Leg, MemoryWire]) -> None:
    leg, wire = line
    leg.send(0.02, 50)
    leg.playout.put(speech(1))
    leg.send(0.04, 2)
    assert payloads(wire) == [SILENCE_FRAME, frame(0)]


async def test_late_frames_stop_at_a_full_socket_and_none_is_thrown_away(line: tuple[Leg, MemoryWire]) -> None:
    leg, wire = line
    leg.playout.put(speech(3))
    wire.room = MESSAGE_BYTES + 10
    leg.send(0.02, 2)
    wire.room = None
    leg.send(0.04, 0)
    assert payloads(wire) == [frame(0), frame(1), frame(2)]
    assert leg.frames_dropped == 0


def _whole(leg: Leg, wire: MemoryWire) -> None:
    """Nothing waits."""


def _in_a_part(leg: Leg, wire: MemoryWire) -> None:
    wire.room = 50
    leg.send(0.01, 0)
    wire.room = None


@pytest.mark.parametrize("before", [_whole, _in_a_part])
async def test_a_hang_up_is_the_last_thing_ever_sent(
    line: tuple[Leg, MemoryWire], before: Callable[[Leg, MemoryWire], None]
) -> None:
    leg, wire = line
    leg.playout.put(speech(9))
    before(leg, wire)
    leg.hang_up()
    for n in range(1, 20):
        leg.send(n * TICK, 2)
        leg.finish(n * TICK + 0.005)
    kinds = [message.kind for message in wire.messages()]
    assert kinds == [0x10] * (len(kinds) - 1) + [0x00]
    assert wire.taken[-1][1] == b"\x00\x00\x00"


async def test_a_hang_up_cut_in_two(line: tuple[Leg, MemoryWire]) -> None:
    leg, wire = line
    leg.hang_up()
    wire.room = 1
    leg.send(0.02, 0)
    wire.room = None
    assert leg.unfinished
    assert leg.finish(0.025)
    leg.send(0.04, 0)
    assert b"".join(data for _, data in wire.taken) == b"\x00\x00\x00"


async def test_only_the_first_end_counts(line: tuple[Leg, MemoryWire]) -> None:
    leg, _ = line
    leg.end("stalled", "first")
    leg.end("hangup")
    assert leg.ended is not None
    assert leg.ended.reason == "stalled"
    assert [mark async for mark in leg.marks] == [leg.ended]
