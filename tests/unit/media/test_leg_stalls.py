"""A leg whose audio comes late: what a stall has held back is kept, what no telephone makes is a flood."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callengine.errors import RemoteProtocolError
from callengine.media.audio import FRAME_SAMPLES, RATE
from callengine.media.surplus import FLOOD_SECONDS, HELD_SECONDS
from tests.unit.media.ears import TICK, hear, hear_what_waits, make_leg
from tests.unit.media.sound import SILENCE, TONE, tone


async def test_a_burst_after_a_stall_of_asterisk_is_kept_and_made_up_for() -> None:
    """53 frames within 60 ms after a second of nothing (measured): no word is lost, and call time comes back."""
    leg, wire = make_leg()
    now = hear(leg, wire, 0.0, [SILENCE] * 50)
    for _ in range(50):
        now += TICK
        leg.receive(now)
    for frames in (18, 18, 17):
        now += TICK
        wire.feed(TONE * frames)
        leg.receive(now)
    assert leg.ended is None
    heard = leg.ring.read(0, leg.ring.end)
    assert heard.count(tone()) >= 53
    assert leg.ring.end - now * RATE > 0.9 * RATE
    hear(leg, wire, now, [SILENCE] * 120)
    now += 120 * TICK
    assert abs(leg.ring.end - now * RATE) <= 4 * FRAME_SAMPLES


async def test_a_stall_of_our_own_makes_no_hole() -> None:
    """What waits in the socket when we come late is the audio of that time: no zeros before it."""
    leg, wire = make_leg()
    now = hear(leg, wire, 0.0, [TONE] * 10)
    now += 2.0
    wire.feed(TONE * 100)
    leg.receive(now)
    while wire.waiting:
        leg.receive(now)
    assert leg.ring.read(0, leg.ring.end) == tone() * 110


async def test_a_long_stop_of_our_own_is_no_flood() -> None:
    """SIGSTOP, a machine that is moved: what the peers have sent meanwhile waits, and comes a second in a read."""
    leg, wire = make_leg()
    now = hear(leg, wire, 0.0, [TONE] * 10) + 10.0
    wire.feed(TONE * 500)
    hear_what_waits(leg, wire, now)
    assert leg.ring.read(0, leg.ring.end) == tone() * 510


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 1500), max_size=3))
def test_whatever_holds_a_peer_back_what_it_sends_then_is_no_flood(stalls: list[int]) -> None:
    """Each stall (in frames, up to half a minute) holds back its audio, which then comes at once: none is lost."""
    leg, wire = make_leg()
    now, frames = 0.0, 0
    for stall in stalls:
        for _ in range(stall):
            now += TICK
            leg.receive(now)
        wire.feed(TONE * stall)
        frames += stall
        hear_what_waits(leg, wire, now)
        leg.ring.release(leg.ring.end - RATE)  # a recogniser that is quick, so that the ring has place
    assert leg.ended is None
    assert leg.ring.end >= frames * FRAME_SAMPLES


@pytest.mark.parametrize("quiet_seconds", [0, 10, 50])
async def test_more_audio_than_time_ends_the_call(quiet_seconds: int) -> None:
    leg, wire = make_leg()
    now = quiet_seconds + TICK
    leg.receive(now)
    wire.feed(TONE * int((quiet_seconds + FLOOD_SECONDS + 0.5) / TICK))
    with pytest.raises(RemoteProtocolError) as caught:
        hear_what_waits(leg, wire, now)
    assert caught.value.reason == "flood"


async def test_silence_of_hours_is_no_leave_to_flood() -> None:
    leg, wire = make_leg(no_media_seconds=7200.0)
    now = 3600.0
    leg.receive(now)
    wire.feed(TONE * int((HELD_SECONDS + FLOOD_SECONDS + 0.5) / TICK))
    with pytest.raises(RemoteProtocolError) as caught:
        hear_what_waits(leg, wire, now)
    assert caught.value.reason == "flood"


async def test_a_peer_that_is_too_fast_is_found_out() -> None:
    leg, wire = make_leg()
    with pytest.raises(RemoteProtocolError) as caught:
        hear(leg, wire, 0.0, [TONE * 10] * 40)
    assert caught.value.reason == "flood"
