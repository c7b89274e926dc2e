"""Recordings on their way to S3: nothing is sent twice, nothing is forgotten, nothing goes before it is there."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from callengine.errors import ServiceError
from callengine.media.audio import RATE
from callengine.media.tape import Second
from callengine.ports.journal import RecordingKept
from callengine.recording import files
from callengine.recording.files import Place
from callengine.recording.uploads import Uploads
from callengine.recording.wav import header, stereo
from tests.conftest import ExpectErrorLog

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Store:
    """What was put; `away`: it takes nothing."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.away = False

    def put(self, path: Path, key: str) -> str:
        if self.away:
            raise ServiceError("S3: away")
        self.objects[key] = path.read_bytes()
        return f"s3://bucket/{key}"


def recorded(place: Place, call_id: str) -> str:
    name = files.file_of(call_id, 1, NOON)
    path = place.folder / (name + files.PART)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header(RATE) + stereo([Second(None, None)]))
    files.finish(place, name, RATE)
    return name


@pytest.mark.parametrize("keep", [True, False])
async def test_what_is_sent_is_told_and_kept_only_if_wanted(tmp_path: Path, keep: bool) -> None:
    place, store, told = Place(tmp_path, "node-1", uploads=True), Store(), list[RecordingKept]()
    names = [recorded(place, call_id) for call_id in ("a", "b")]
    await Uploads(place, store.put, told.append, keep_local=keep).send_waiting()
    assert told == [
        RecordingKept(call_id, name, "node-1", NOON, 1.0, f"s3://bucket/{name}")
        for call_id, name in zip("ab", names, strict=True)
    ]
    assert list(store.objects) == names
    assert list(files.every_file(tmp_path)) == (names if keep else [])
    await Uploads(place, store.put, told.append, keep_local=keep).send_waiting()
    assert len(told) == 2


async def test_what_could_not_be_sent_waits_for_the_next_engine(
    tmp_path: Path, expect_error_log: ExpectErrorLog
) -> None:
    place, store, told = Place(tmp_path, "node-1", uploads=True), Store(), list[RecordingKept]()
    name = recorded(place, "a")
    store.away = True
    uploads = Uploads(place, store.put, told.append, keep_local=False)
    with expect_error_log("recordings wait for S3"):
        await uploads.send_waiting()
        await uploads.send_waiting()
    assert (told, list(files.every_file(tmp_path)), files.to_upload(tmp_path)) == ([], [name], [name])
    store.away = False
    await Uploads(place, store.put, told.append, keep_local=False).send_waiting()
    assert [kept.call_id for kept in told] == ["a"]


async def test_one_that_was_deleted_meanwhile_is_no_obstacle(tmp_path: Path) -> None:
    place, store, told = Place(tmp_path, "node-1", uploads=True), Store(), list[RecordingKept]()
    first, second = recorded(place, "a"), recorded(place, "b")
    (tmp_path / first).unlink()
    await Uploads(place, store.put, told.append, keep_local=True).send_waiting()
    assert ([kept.call_id for kept in told], list(store.objects)) == (["b"], [second])
    assert files.to_upload(tmp_path) == []
