"""Tones in a caller's audio: fax machines' and beeps are found, in any cut of the audio; speech has none."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.media.audio import RATE
from callengine.media.tones import BLOCK_SAMPLES, Tone, ToneListener
from tests.speech import DEMO, FIXTURES, load

BLOCK = BLOCK_SAMPLES / RATE


def sine(hertz: float, seconds: float, level: float = 6000.0) -> bytes:
    """A tone; one that is as quiet as a bad line has it at a `level` of 200."""
    samples = np.arange(round(seconds * RATE))
    return (level * np.sin(2 * np.pi * hertz * samples / RATE)).astype("<i2").tobytes()


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))


def answer_tone() -> bytes:
    """ITU-T V.25: 2100 Hz whose phase turns every 0.45 s."""
    part = np.frombuffer(sine(2100, 0.45), "<i2")
    return np.concatenate([part, -part] * 3).astype("<i2").tobytes()


def heard(audio: bytes, cuts: Iterable[int] = ()) -> list[Tone]:
    """The tones of `audio`, fed as the recorder would: again from where the listener has got to, after each cut."""
    listener, tones = ToneListener(), []
    for end in (*sorted(cuts), len(audio) // 2):
        tones += listener.feed(audio[2 * listener.position : 2 * end])
    return tones


@pytest.mark.parametrize("hertz", [1062.0, 1100.0, 1138.0, 440.0, 853.0, 1000.0, 1400.0, 2115.0])
@pytest.mark.parametrize("level", [200.0, 6000.0, 32000.0])
def test_a_tone_is_found_with_its_pitch_and_length(hertz: float, level: float) -> None:
    (tone,) = heard(silence(0.73) + sine(hertz, 0.5, level) + silence(0.5))
    assert abs(tone.hertz - hertz) < 5
    assert abs(tone.begin / RATE - 0.73) <= BLOCK
    assert abs((tone.end - tone.begin) / RATE - 0.5) <= 2 * BLOCK


def test_a_calling_fax_is_a_tone_every_three_and_a_half_seconds() -> None:
    cng = (sine(1100, 0.5) + silence(3.0)) * 3
    first, second, third = heard(silence(1.0) + cng)
    assert [round((later.begin - first.begin) / RATE, 1) for later in (second, third)] == [3.5, 7.0]


def test_turns_of_the_phase_do_not_part_an_answering_modem_s_tone() -> None:
    (tone,) = heard(answer_tone() + silence(0.5))
    assert abs(tone.hertz - 2100) < 15
    assert (tone.end - tone.begin) / RATE >= 2.5


def test_noise_and_two_pitches_at_once_are_no_tone() -> None:
    noise = np.random.default_rng(1).normal(0, 3000, RATE).astype("<i2").tobytes()
    key = (np.frombuffer(sine(770, 1.0), "<i2") + np.frombuffer(sine(1336, 1.0), "<i2")).astype("<i2").tobytes()
    assert heard(noise + key + silence(0.5)) == []


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("folder", [FIXTURES, DEMO], ids=["prompts", "demo"])
def test_speech_has_no_tone(folder: Path, language: str) -> None:
    clips = load(folder / language)
    assert clips
    assert {clip.name: heard(clip.slin + silence(0.5)) for clip in clips} == {clip.name: [] for clip in clips}


@given(st.lists(st.integers(0, 12_000), max_size=8))
def test_it_does_not_matter_how_the_audio_is_cut(cuts: list[int]) -> None:
    audio = silence(0.3) + sine(1100, 0.5) + silence(0.4) + sine(950, 0.2) + silence(0.1)
    assert heard(audio, cuts) == heard(audio)


def test_audio_that_is_gone_ends_a_tone_unheard() -> None:
    listener = ToneListener()
    assert listener.feed(sine(1100, 0.4)) == []
    listener.skip(RATE)
    assert listener.feed(silence(0.5)) == []
    assert listener.position == RATE + RATE // 2
