"""The recorded speech is what the tests and the demo take it for."""

import wave
from pathlib import Path

import pytest

from tests.speech import DEMO, FIXTURES, load

MIB = 2**20


@pytest.mark.parametrize(
    ("folder", "clips"), [(FIXTURES / "ru", 40), (FIXTURES / "en", 30), (DEMO / "ru", 7), (DEMO / "en", 7)]
)
def test_every_clip_is_telephone_speech_with_a_transcript(folder: Path, clips: int) -> None:
    loaded = load(folder)
    assert len(loaded) == clips
    for clip in loaded:
        assert clip.text, clip.name
        assert 0.3 * 16000 <= len(clip.slin) <= 8 * 16000, clip.name
    transcripts = {path.stem for path in folder.glob("*.txt")}
    assert transcripts == {clip.name for clip in loaded}


@pytest.mark.parametrize("folder", [FIXTURES, DEMO])
def test_the_sound_stays_small(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.rglob("*.wav")) <= 2 * MIB


@pytest.mark.parametrize("folder", [FIXTURES / "ru", FIXTURES / "en", DEMO])
def test_the_sound_comes_with_its_origin_and_licence(folder: Path) -> None:
    assert (folder / "README.md").stat().st_size > 0
    assert (folder / "LICENSE").stat().st_size > 0


def test_a_clip_of_another_rate_is_refused(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "wide.wav"), "wb") as sound:
        sound.setparams((1, 2, 16000, 0, "NONE", "not compressed"))
        sound.writeframes(bytes(640))
    with pytest.raises(ValueError, match="16000"):
        load(tmp_path)


def test_a_clip_without_a_transcript_is_refused(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "mute.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        sound.writeframes(bytes(320))
    with pytest.raises(FileNotFoundError, match=r"mute\.txt"):
        load(tmp_path)
