"""What comes as slin is told from a codec by time: never a caller with short packets, loss, mute or a stall of ours."""

from itertools import accumulate, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.media.cadence import Cadence
from callengine.media.leg import Leg
from tests.sim.wire import MemoryWire
from tests.strategies import packed

TICK = 0.02
ALAW_20_MS = packed(0x10, b"\xd5" * 160)


def first_thin(messages: list[tuple[float, int]]) -> float | None:
    """When a cadence says so; each message is (time, bytes of slin)."""
    cadence = Cadence()
    return next((now for now, size in messages if cadence.too_thin(size, now)), None)


def stream(size: int, packet_seconds: float, seconds: float) -> list[tuple[float, int]]:
    """Packets of one size, seen at the clock's ticks."""
    sent = accumulate(repeat(packet_seconds, int(seconds / packet_seconds)))
    return [(TICK * int(at / TICK + 1.0001), size) for at in sent]


@pytest.mark.parametrize(
    ("size", "packet_seconds"),
    [(160, 0.02), (80, 0.01), (240, 0.03), (33, 0.02), (20, 0.02)],
    ids=["A-law or G.722", "A-law of 10 ms", "A-law of 30 ms", "GSM", "G.729"],
)
def test_a_codec_is_told_within_a_second_and_a_bit(size: int, packet_seconds: float) -> None:
    found = first_thin(stream(size, packet_seconds, 3.0))
    assert found is not None
    assert 1.0 <= found < 1.1


@pytest.mark.parametrize(("size", "packet_seconds"), [(160, 0.01), (480, 0.03), (80, 0.005), (276, 0.01725)])
def test_slin_of_any_packet_time_is_slin(size: int, packet_seconds: float) -> None:
    assert first_thin(stream(size, packet_seconds, 60.0)) is None


def test_what_came_after_a_stall_of_ours_is_not_counted_twice() -> None:
    """25 packets of A-law at once look like slin; they are of the time before."""
    burst = [(1.0, 160)] * 25
    later = [(1.0 + at, size) for at, size in stream(160, 0.02, 3.0)]
    assert first_thin(burst + later) is not None


@given(st.lists(st.sampled_from([0, 1, 1, 1, 1, 1, 1, 1, 1, 1]), min_size=300, max_size=300))
def test_loss_makes_no_codec_of_slin(arrived: list[int]) -> None:
    """10 ms packets, some lost: at any pattern of loss up to what is left of a call that can be understood."""
    packets = [(TICK * (n // 2 + 1), 160) for n, there in enumerate(arrived) if there]
    lost_in_a_window = max(sum(1 - there for there in arrived[begin : begin + 100]) for begin in range(200))
    if lost_in_a_window < 35:
        assert first_thin(packets) is None


def test_a_muted_caller_is_watched_when_he_speaks_again() -> None:
    """Comfort noise once in 200 ms is no second of audio: nothing is decided by it."""
    noise = [(0.2 * n, 160) for n in range(50)]
    later = [(11.0 + at, size) for at, size in stream(160, 0.02, 3.0)]
    assert first_thin(noise) is None
    assert first_thin(noise + later) is not None


def test_once_told_it_looks_no_more() -> None:
    cadence = Cadence()
    assert not any(cadence.too_thin(160, now) for now, _ in stream(160, 0.01, 2.0))
    assert cadence.decided
    assert not any(cadence.too_thin(160, 5.0 + now) for now, _ in stream(160, 0.02, 5.0))


async def test_a_leg_ends_with_a_hang_up_and_one_line() -> None:
    wire = MemoryWire()
    leg = Leg(wire, 0.0, 60.0)
    now = 0.0
    while leg.ended is None and now < 5.0:
        now += TICK
        leg.send(now, 0)
        wire.feed(ALAW_20_MS)
        leg.receive(now)
    assert leg.ended is not None
    assert leg.ended.reason == "raw_codec"
    assert "c(slin)" in leg.ended.detail
    assert "\n" not in leg.ended.detail
    assert wire.messages()[-1].kind == 0x00
    assert {message.payload for message in wire.messages()[:-1]} == {bytes(320)}
    assert wire.closed


async def test_a_leg_with_a_part_frame_out_just_ends() -> None:
    """0x00 in the middle of a frame would be a sample."""
    wire = MemoryWire()
    leg = Leg(wire, 0.0, 60.0)
    for n in range(60):
        now = TICK * (n + 1)
        wire.room = 100 if n == 49 else 0 if n > 49 else None
        if leg.ended is None:
            leg.send(now, 0)
            wire.feed(ALAW_20_MS)
            leg.receive(now)
    assert leg.ended is not None
    assert leg.ended.reason == "raw_codec"
    assert wire.taken[-1][1] != b"\0\0\0"
