"""Recordings as files: any player reads them, whatever became of the engine that wrote them."""

import io
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.media.audio import RATE
from callengine.media.tape import Second
from callengine.ports.journal import RecordingKept
from callengine.recording import files
from callengine.recording.files import Place
from callengine.recording.wav import FRAME_BYTES, HEADER_BYTES, header, stereo

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
CALL = "6f1b6a1e-0000-4000-8000-000000000001"
SECOND = Second(b"\1\0" * RATE, None)


def sound(seconds: int) -> bytes:
    return header(seconds * RATE) + stereo([SECOND] * seconds)


def written(place: Place, name: str, data: bytes) -> Path:
    path = place.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_the_caller_is_left_and_the_agent_right() -> None:
    seconds = [Second(b"\1\0" * RATE, None), Second(None, b"\2\0" * RATE, 100)]
    with wave.open(io.BytesIO(header(RATE + 100) + stereo(seconds))) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth(), file.getnframes()) == (2, RATE, 2, 8100)
        frames = memoryview(file.readframes(8100)).cast("h")
    assert list(frames[: 2 * RATE]) == [1, 0] * RATE
    assert list(frames[2 * RATE :]) == [0, 2] * 100


@given(st.text(st.characters(exclude_characters="/_\0", codec="utf-8"), min_size=1), st.integers(0), st.datetimes())
def test_a_name_tells_whose_it_is_and_when_it_began(call_id: str, epoch: int, moment: datetime) -> None:
    began = moment.replace(year=max(1000, moment.year), tzinfo=UTC)
    name = files.file_of(call_id, epoch, began)
    if "\n" not in call_id:
        assert (files.call_of(name), files.began_of(name)) == (call_id, began)


@pytest.mark.parametrize(
    "name", ["notes.wav", "20260301T120000_x_1.wav", "../../etc/passwd", "20261399T120000000000_a_1.wav"]
)
def test_a_name_that_is_none_of_ours_begins_never(name: str) -> None:
    assert files.began_of(name) is None


@given(cut=st.integers(0, len(sound(2)) - 1))
def test_what_a_killed_engine_left_is_mended_at_any_byte(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    place = Place(tmp_path_factory.mktemp("recordings"), "node-1")
    name = files.file_of(CALL, 1, NOON)
    part = written(place, name + files.PART, sound(2)[:cut])
    found = files.mend_leftovers(place)
    samples = max(0, cut - HEADER_BYTES) // FRAME_BYTES
    assert not part.exists()
    if not samples:
        assert found == []
        return
    assert found == [RecordingKept(CALL, name, "node-1", NOON, samples / RATE)]
    with wave.open(str(place.folder / name)) as file:
        assert file.getnframes() == samples
    assert (place.folder / name).stat().st_size == HEADER_BYTES + samples * FRAME_BYTES
    assert files.mend_leftovers(place) == []


def test_a_finished_recording_waits_for_s3_until_it_is_there(tmp_path: Path) -> None:
    place = Place(tmp_path, "node-1", uploads=True)
    name = files.file_of(CALL, 1, NOON)
    written(place, name + files.PART, sound(1))
    assert files.to_upload(tmp_path) == []
    files.finish(place, name, RATE)
    assert files.to_upload(tmp_path) == [name]
    files.uploaded(tmp_path, name, keep=True)
    assert (files.to_upload(tmp_path), list(files.every_file(tmp_path))) == ([], [name])
    files.uploaded(tmp_path, name, keep=False)
    assert list(files.every_file(tmp_path)) == []


@given(days=st.lists(st.integers(0, 20), max_size=8, unique=True), limit=st.integers(0, 20))
def test_the_old_ones_go_and_no_other(tmp_path_factory: pytest.TempPathFactory, days: list[int], limit: int) -> None:
    place = Place(tmp_path_factory.mktemp("recordings"), "node-1")
    names = {day: files.file_of(CALL, 1, NOON - timedelta(days=day)) for day in days}
    for name in names.values():
        written(place, name, sound(1))
    (place.folder / "2026-01-01").mkdir(exist_ok=True)
    (place.folder / "2026-01-01" / "notes.wav").write_bytes(b"")
    gone = files.delete_before(place.folder, NOON - timedelta(days=limit, hours=1))
    left = sorted(name for day, name in names.items() if day <= limit)
    assert list(files.every_file(place.folder)) == left
    assert gone == len(names) - len(left)
    assert (place.folder / "2026-01-01" / "notes.wav").exists()
