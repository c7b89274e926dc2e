"""Hearing: stretches of speech and the silence that ends them."""

import struct

from callengine.caller.ear import Ear, is_audible, speech_end
from callengine.caller.wire import LINE_SILENCE

LOUD = struct.pack("<h", -3000) * 160


def test_line_silence_is_not_speech() -> None:
    assert not is_audible(LINE_SILENCE)
    assert not is_audible(bytes(320))
    assert not is_audible(b"")
    assert is_audible(LOUD)
    assert is_audible(struct.pack("<h", -32768))


def test_a_pause_shorter_than_asked_does_not_end_a_stretch() -> None:
    ear = Ear(pause_seconds=0.5)
    assert ear.hear(1.0, LOUD)
    assert not ear.hear(1.25, LOUD)
    assert ear.stopped(1.625) is None
    assert ear.stopped(1.75) == 0.25
    assert ear.stopped(2.0) is None, "said once"
    assert ear.hear(3.0, LOUD), "a new stretch"


def test_silence_without_messages_ends_a_stretch_too() -> None:
    ear = Ear(pause_seconds=0.5)
    ear.hear(0.0, LOUD)
    assert ear.stopped(10.0) == 0.0


def test_silence_that_is_held_back_is_none_yet() -> None:
    ear = Ear(pause_seconds=0.5)
    ear.hear(0.0, bytes(320))
    assert ear.silent_for(1.0) == 0.0, "nothing was said"
    ear.hear(1.0, LOUD)
    assert ear.hear(1.02, bytes(320)) is False
    assert ear.stopped(10.0) is None, "nothing comes: the next word may be on its way"
    ear.hear(10.0, LOUD)
    assert ear.silent_for(10.0) == 0.0
    ear.hear(10.0, bytes(8000))
    assert ear.stopped(10.0) == 9.0, "all of it came at once"


def test_speech_ends_at_a_frame_and_room_noise_does_not_count() -> None:
    noise = struct.pack("<h", 40) * 160
    assert speech_end(noise + LOUD + noise * 5) == 640
    assert speech_end(noise) == 0
    assert speech_end(b"") == 0
