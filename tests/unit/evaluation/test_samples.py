"""A folder or a CSV becomes samples; what cannot be used is one line that says what to do."""

import wave
from pathlib import Path

import pytest

from callengine.errors import ConfigError
from callengine.evaluation.samples import load_samples


def write_wav(path: Path, rate: int = 8000, channels: int = 1, seconds: float = 0.5) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * channels * round(rate * seconds)))


def test_a_folder_of_pairs(tmp_path: Path) -> None:
    for name, rate in (("b", 8000), ("a", 44100)):
        write_wav(tmp_path / f"{name}.wav", rate)
        (tmp_path / f"{name}.txt").write_text(f"words of {name}\n", encoding="utf-8")
    samples = load_samples(tmp_path)
    assert [(sample.name, sample.words) for sample in samples] == [("a", "words of a"), ("b", "words of b")]
    assert [len(sample.slin) for sample in samples] == [8000, 8000]  # resampled
    assert [sample.name for sample in load_samples(tmp_path, most=1)] == ["a"]


@pytest.mark.parametrize("given", ["", "list.csv"])
def test_a_csv(given: str, tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav")
    (tmp_path / "list.csv").write_text('\ufefffile,text\nx.wav,"Да, конечно"\n', encoding="utf-8")
    [sample] = load_samples(tmp_path / given)
    assert sample.words == "Да, конечно"


def refused(place: Path) -> str:
    with pytest.raises(ConfigError, match=r"^FOLDER: ") as caught:
        load_samples(place)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    assert "there is no folder and no CSV" in refused(tmp_path / "none")
    assert "holds no WAV file" in refused(tmp_path)
    write_wav(tmp_path / "x.wav")
    assert f"{tmp_path / 'x.wav'} has no transcript; write what is said to x.txt beside it" in refused(tmp_path)
    (tmp_path / "x.txt").write_bytes(b"\xff\xfe\xff")
    assert "x.txt is not UTF-8 text" in refused(tmp_path)
    (tmp_path / "x.txt").write_text("words", encoding="utf-8")
    write_wav(tmp_path / "x.wav", channels=2)
    assert "2 channels" in refused(tmp_path)
    (tmp_path / "x.wav").write_bytes(b"ID3 an mp3")
    assert "is no PCM WAV file" in refused(tmp_path)
    write_wav(tmp_path / "x.wav", seconds=0)
    assert "holds no sound" in refused(tmp_path)


def test_a_csv_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text("name;words\n", encoding="utf-8")
    assert "whose first line is file,text" in refused(table)
    table.write_text("file,text\nnowhere.wav,words\n", encoding="utf-8")
    assert "nowhere.wav, which is not there" in refused(table)
