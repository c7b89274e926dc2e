"""A leg's ear: any size and rate of audio, holes, and what the reader is told."""

from uuid import UUID

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from callengine.media.audio import FRAME_BYTES, FRAME_SAMPLES, RATE
from callengine.media.leg import MARKS
from callengine.media.marks import DigitPressed, Identified, LineEnded, SpeechPaused
from tests.strategies import packed
from tests.unit.media.ears import TICK, hear, make_leg, told
from tests.unit.media.sound import SILENCE, TONE, tone

UUID_MESSAGE = packed(0x01, UUID(int=7).bytes)


async def test_frames_go_into_the_ring_as_they_are() -> None:
    leg, wire = make_leg()
    hear(leg, wire, 0.0, [UUID_MESSAGE, TONE, SILENCE, TONE])
    assert told(leg) == [Identified(UUID(int=7))]
    assert leg.ring.read(0, leg.ring.end) == tone() + bytes(FRAME_BYTES) + tone()


async def test_a_message_cut_in_two_is_whole_again() -> None:
    leg, wire = make_leg()
    wire.feed(TONE[:5])
    leg.receive(0.02)
    assert leg.ring.end == 0
    wire.feed(TONE[5:] + TONE[:200])
    leg.receive(0.04)
    wire.feed(TONE[200:])
    leg.receive(0.06)
    assert leg.ring.read(0, leg.ring.end) == tone() * 2


@given(st.lists(st.integers(1, 2000), max_size=20), st.lists(st.sampled_from(("frame", "digit", "short")), max_size=12))
def test_however_it_is_cut_the_ring_holds_the_same(cuts: list[int], kinds: list[str]) -> None:
    """Whole frames go a short way round the decoder; one, several or a part of one in a read make no difference."""
    speech = tone(160 * (len(kinds) + 1))
    sent = wanted = b""
    for number, kind in enumerate([*kinds, "frame"]):
        slin = speech[number * FRAME_BYTES : (number + 1) * FRAME_BYTES]
        slin = slin[:160] if kind == "short" else slin
        sent += packed(0x03, b"5") if kind == "digit" else packed(0x10, slin)
        wanted += b"" if kind == "digit" else slin
    leg, wire = make_leg()
    heard = 0
    for cut in [*cuts, len(sent)]:
        piece = sent[heard : heard + cut]
        heard += len(piece)
        wire.feed(piece)
        leg.receive(heard / 2 / RATE)  # time goes with the bytes: nobody is late, nobody too fast
    assert leg.ring.read(0, leg.ring.end) == wanted
    assert sum(isinstance(mark, DigitPressed) for mark in told(leg)) == kinds.count("digit")


async def test_30_ms_frames() -> None:
    leg, wire = make_leg()
    voice = tone(240)
    for n in range(100):
        wire.feed(packed(0x10, voice))
        leg.receive(0.03 * (n + 1))
    assert leg.ring.read(0, leg.ring.end) == voice * 100
    assert leg.gate.open


@pytest.mark.parametrize(("kind", "rate"), [(0x11, 12000), (0x12, 16000), (0x15, 44100), (0x16, 48000), (0x18, 192000)])
async def test_wideband_becomes_8_khz_without_a_hole(kind: int, rate: int) -> None:
    """The filter holds back up to 115 ms: no zeros may be put into the middle of a word for it."""
    leg, wire = make_leg()
    whole = tone(rate * 2, rate)
    size = rate // 50 * 2
    now = 0.0
    for begin in range(0, len(whole), size):
        now = hear(leg, wire, now, [packed(kind, whole[begin : begin + size])])
    heard = leg.ring.read(0, leg.ring.end)
    assert 0 <= 2 * RATE - leg.ring.end < 0.1 * RATE
    assert bytes(20) not in heard[RATE // 10 : -RATE // 10]
    hear(leg, wire, now + 1, [])
    leg.receive(now + 1)
    # what the filter still held comes before the zeros of the hole, and positions are call time
    assert abs(leg.ring.end - (now + 1) * RATE) <= 3 * FRAME_SAMPLES
    assert abs(len(leg.ring.read(0, leg.ring.end).rstrip(b"\0")) // 2 - 2 * RATE) < 100
    assert not leg.ended


async def test_a_rate_that_changes_in_mid_call() -> None:
    leg, wire = make_leg()
    now = hear(leg, wire, 0.0, [packed(0x12, tone(320, 16000))] * 50)
    now = hear(leg, wire, now, [packed(0x16, tone(960, 48000))] * 50)
    hear(leg, wire, now, [TONE] * 50)
    assert 0 <= 3 * RATE - leg.ring.end < 0.1 * RATE


async def test_a_hole_becomes_zeros_and_closes_the_gate() -> None:
    leg, wire = make_leg()
    now = hear(leg, wire, 0.0, [TONE] * 10)
    assert leg.gate.open
    for _ in range(100):
        now += TICK
        leg.receive(now)
        assert -3 * FRAME_SAMPLES <= leg.ring.end - now * RATE <= 0
    assert not leg.gate.open
    assert not any(leg.ring.read(11 * FRAME_SAMPLES, leg.ring.end))
    hear(leg, wire, now, [TONE])
    assert leg.ring.read(leg.ring.end - FRAME_SAMPLES, leg.ring.end) == tone()


async def test_lost_frames_do_not_shorten_the_call() -> None:
    """A tenth of the caller's packets lost (measured: 4.52 s of audio in 4.99 s): positions stay call time."""
    leg, wire = make_leg()
    for n in range(500):
        if n % 10:
            wire.feed(TONE)
        leg.receive((n + 1) * TICK)
    assert abs(leg.ring.end - 10 * RATE) <= 4 * FRAME_SAMPLES


async def test_a_small_delay_is_no_hole() -> None:
    leg, wire = make_leg()
    now = hear(leg, wire, 0.0, [TONE] * 10)
    for _ in range(2):
        now += TICK
        leg.receive(now)
    wire.feed(TONE * 2)
    leg.receive(now)
    assert leg.ring.read(0, leg.ring.end) == tone() * 12


async def test_the_reader_is_told_what_happens() -> None:
    leg, wire = make_leg()
    hear(leg, wire, 0.0, [UUID_MESSAGE, TONE, packed(0x03, b"5"), packed(0x02, b""), packed(0xFF, b"\x01")])
    assert told(leg) == [Identified(UUID(int=7)), DigitPressed("5", FRAME_SAMPLES)]
    wire.end()
    leg.receive(0.12)
    assert leg.ended == LineEnded("hangup")
    assert told(leg) == [LineEnded("hangup")]
    assert wire.closed


async def test_a_hang_up_message_ends_the_line() -> None:
    leg, wire = make_leg()
    hear(leg, wire, 0.0, [packed(0x00, b"") + TONE + packed(0x03, b"1")])
    assert leg.ended is not None
    assert leg.ended.reason == "hangup"
    assert told(leg) == [leg.ended]  # nothing after the end


async def test_speech_that_lasts_to_the_hole_is_paused_by_it() -> None:
    leg, wire = make_leg()
    now = hear(leg, wire, 0.0, [TONE] * 10)
    leg.tracker.feed(0.9, 0)
    leg.tracker.feed(0.9, 256)
    for _ in range(20):
        now += TICK
        leg.receive(now)
    assert told(leg) == [SpeechPaused(512)]


async def test_no_audio_for_long_ends_the_call() -> None:
    leg, wire = make_leg(no_media_seconds=5.0)
    now = hear(leg, wire, 0.0, [SILENCE] * 10)
    while leg.ended is None:
        now += TICK
        leg.receive(now)
    assert leg.ended.reason == "no_media"
    assert 5.2 < now < 5.4


async def test_a_reader_that_is_too_far_behind_is_told_all_the_same() -> None:
    leg, wire = make_leg()
    hear(leg, wire, 0.0, [packed(0x03, b"1")] * (MARKS + 1))
    assert leg.ended is not None
    assert leg.ended.reason == "flood"
    with trio.fail_after(1):
        marks = [mark async for mark in leg.marks]
    assert [mark.digit for mark in marks if isinstance(mark, DigitPressed)] == ["1"] * MARKS
