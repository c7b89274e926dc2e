"""What a caller puts on the line each 20 ms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.caller.mouth import KEY_FRAMES, KEY_PAUSE_FRAMES, Mouth, Tick
from callengine.caller.wire import LINE_SILENCE

LOUD = b"\x00\x20" * 160
QUIET = bytes(320)
KEY_TICKS = KEY_FRAMES + KEY_PAUSE_FRAMES


def ticks(mouth: Mouth, count: int) -> list[Tick]:
    return [mouth.tick() for _ in range(count)]


@given(st.lists(st.binary(min_size=1, max_size=900), max_size=4))
def test_recordings_go_out_whole_in_order_and_in_frames(recordings: list[bytes]) -> None:
    mouth = Mouth(sends_silence=True)
    sayings = [mouth.say(slin) for slin in recordings]
    frames = sum(-(-len(slin) // 320) for slin in recordings)
    out = [tick.slin for tick in ticks(mouth, frames)]
    assert b"".join(out) == b"".join(slin + bytes(-len(slin) % 320) for slin in recordings)
    assert all(len(frame) == 320 for frame in out)
    assert all(saying.done for saying in sayings)
    assert mouth.tick() == Tick(LINE_SILENCE)


def test_a_key_is_a_hole_then_one_digit_then_audio() -> None:
    mouth = Mouth(sends_silence=True)
    keys = mouth.press("4#")
    out = ticks(mouth, 2 * KEY_TICKS)
    for key, start in (("4", 0), ("#", KEY_TICKS)):
        down, after = out[start : start + KEY_FRAMES], out[start + KEY_FRAMES : start + KEY_TICKS]
        assert [tick.slin for tick in down] == [b""] * KEY_FRAMES
        assert [tick.digit for tick in down] == [""] * (KEY_FRAMES - 1) + [key]
        assert down[-1].asked
        assert after == [Tick(LINE_SILENCE)] * KEY_PAUSE_FRAMES
    assert all(key.done for key in keys)


def test_a_wrong_key_presses_none() -> None:
    mouth = Mouth(sends_silence=True)
    with pytest.raises(ValueError, match="telephone key"):
        mouth.press("12x")
    assert mouth.tick() == Tick(LINE_SILENCE)


def test_speech_ends_with_its_last_audible_frame() -> None:
    mouth = Mouth(sends_silence=True)
    mouth.say(QUIET + LOUD + QUIET + LOUD + QUIET * 3)
    assert [tick.asked for tick in ticks(mouth, 7)] == [False, False, False, True, False, False, False]


def test_a_muted_telephone_sends_nothing_between_recordings() -> None:
    mouth = Mouth(sends_silence=False)
    mouth.say(LOUD)
    assert [tick.slin for tick in ticks(mouth, 3)] == [LOUD, b"", b""]


def test_saying_nothing_is_done_at_once() -> None:
    mouth = Mouth(sends_silence=True)
    assert mouth.say(b"").done
