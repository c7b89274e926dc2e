"""A recorded call asked of a real engine: from its disk, then from S3, and no more once it is forgotten."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import obstore
import pytest

from callengine.ports.journal import RecordingKept
from callengine.services.object_store import Bucket, BucketAccess
from callengine.sounds import open_sound
from tests.engine_process import running_engine
from tests.integration.test_recording import place_call, record_of, sides
from tests.s3 import S3

pytestmark = pytest.mark.integration

BEGAN = datetime(2026, 3, 1, 9, tzinfo=UTC)


async def test_a_call_is_heard_from_the_disk_and_from_s3(tmp_path: Path, s3: S3) -> None:
    call_id = uuid4()
    settings = s3.settings | {"RECORDING": "on", "RECORDING_LEAST_FREE_MB": "0", "RECORDING_KEEP_LOCAL": "on"}
    with running_engine(tmp_path / "data", **settings) as engine:
        await place_call(engine, call_id)
        told = await record_of(engine, call_id, in_s3=True)
        data = s3.read(f"calls/{told['file']}")
        async with httpx.AsyncClient(trust_env=False, timeout=60, base_url=f"http://{engine.api}") as api:
            path = f"/api/v1/calls/{call_id}/recording"
            on_disk = await api.get(path)
            (tmp_path / "data" / "recordings" / told["file"]).unlink()
            from_s3 = await api.get(path)
            part = await api.get(path, headers={"Range": "bytes=44-3243"})
        assert on_disk.content == from_s3.content == data
        assert sides(data) == sides(from_s3.content)
        assert (part.status_code, part.content) == (206, data[44:3244])
        served = [line["where"] for line in engine.log() if line["event"] == "recording_served"]
        assert served == ["disk", "s3", "s3"]


async def test_what_the_record_names_and_nobody_has_is_none(tmp_path: Path, s3: S3) -> None:
    access = s3.settings
    bucket = Bucket(BucketAccess(access["RECORDING_S3_URL"], s3.endpoint, access_key="key", secret_key="secret"))
    file, call_id = "2026-03-01/20260301T090000000000_a_1.wav", "a"
    (tmp_path / "secret.wav").write_bytes(b"no recording")
    for name, url in (
        (file, ""),
        (file, f"{bucket.url}/{file}"),
        (file, "s3://elsewhere/x.wav"),
        ("../secret.wav", ""),
        (f"x/../../{file}", ""),
        (str(tmp_path / "secret.wav"), ""),
    ):
        kept = RecordingKept(call_id, name, "n", BEGAN, 1.0, url)
        assert await open_sound(tmp_path / "recordings", bucket, kept) is None
    obstore.put(bucket._store, file, b"0123456789")
    sound = await open_sound(
        tmp_path / "recordings", bucket, RecordingKept(call_id, file, "n", BEGAN, 1.0, f"{bucket.url}/{file}")
    )
    assert sound is not None
    assert (sound.size, sound.where, await sound.read(2, 3)) == (10, "s3", b"234")
