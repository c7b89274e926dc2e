"""Slin arithmetic: sizes, fades and level."""

import struct

import pytest
from hypothesis import given

from callengine.media.audio import (
    FRAME_BYTES,
    FRAME_SAMPLES,
    SILENCE_FRAME,
    fade_in,
    fade_out,
    level,
    whole_frames,
)
from tests.strategies import slin


def samples(frame: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(frame) // 2}h", frame)


@given(slin(max_samples=FRAME_SAMPLES, min_samples=FRAME_SAMPLES))
def test_fades_only_ever_lower_a_sample(frame: bytes) -> None:
    for faded in (fade_out(frame), fade_in(frame)):
        assert len(faded) == FRAME_BYTES
        pairs = zip(samples(faded), samples(frame), strict=True)
        assert all(abs(after) <= abs(before) and after * before >= 0 for after, before in pairs)


def test_a_fade_starts_where_the_sound_is_and_ends_in_silence() -> None:
    loud = struct.pack(f"<{FRAME_SAMPLES}h", *([-32768] * FRAME_SAMPLES))
    falling, rising = samples(fade_out(loud)), samples(fade_in(loud))
    assert (falling[0], falling[-1]) == (-32768, 0)
    assert rising == falling[::-1]
    assert list(falling) == sorted(falling)


@given(slin(max_samples=3 * FRAME_SAMPLES))
def test_whole_frames_adds_less_than_a_frame_of_silence(audio: bytes) -> None:
    padded = whole_frames(audio)
    assert len(padded) % FRAME_BYTES == 0
    assert padded.startswith(audio)
    assert len(padded) - len(audio) < FRAME_BYTES
    assert not any(padded[len(audio) :])


@pytest.mark.parametrize(("audio", "expected"), [(b"", 0.0), (SILENCE_FRAME, 0.0), (b"\x00\x80" * 8, 32768.0)])
def test_level(audio: bytes, expected: float) -> None:
    assert level(audio) == expected
