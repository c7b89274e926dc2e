"""A recorded call on a whole engine: on disk, in S3, in the record, and still there when the engine was killed."""

import io
import json
import signal
import struct
import wave
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import trio

from callengine.caller.phone import open_phone
from callengine.media.audio import RATE
from callengine.recording.files import PART
from callengine.recording.wav import HEADER_BYTES, samples_in
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_api_events import following
from tests.integration.test_events_of_nodes import event
from tests.s3 import S3

pytestmark = pytest.mark.integration

PATIENCE_SECONDS = 60  # a guard against hanging; nothing is timed by it
# A second that the engine takes for speech: silence it leaves out where this machine has held it back.
LOUD = 0x2000
TONE = struct.pack("<32h", *[LOUD] * 16, *[-LOUD] * 16) * (RATE // 32)


async def place_call(engine: EngineProcess, call_id: UUID) -> None:
    """Hear the greeting's beginning, say something, hang up."""
    async with open_phone("127.0.0.1", engine.port, call_id) as phone:
        assert await phone.agent_speaking()
        assert await phone.say(TONE)


async def record_of(engine: EngineProcess, call_id: UUID, *, in_s3: bool) -> dict[str, Any]:
    """The call's recording, once the record has it."""
    with trio.fail_after(PATIENCE_SECONDS):
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            while True:
                answer = await client.get(f"http://{engine.api}/api/v1/calls/{call_id}")
                found = answer.json().get("recordings") if answer.status_code == 200 else None
                if found and bool(found[0]["url"]) == in_s3:
                    return dict(found[0])
                await trio.sleep(0.1)


async def sound_on_disk(recordings: Path) -> float:
    """The seconds of the one call that is being recorded, once there are any."""
    with trio.fail_after(PATIENCE_SECONDS):
        while True:
            for path in recordings.rglob(f"*{PART}"):
                if (size := path.stat().st_size) > HEADER_BYTES:
                    return samples_in(size) / RATE
            await trio.sleep(0.1)


def sides(data: bytes) -> tuple[list[int], list[int]]:
    with wave.open(io.BytesIO(data)) as file:
        frames = memoryview(file.readframes(file.getnframes())).cast("h")
    return frames[::2].tolist(), frames[1::2].tolist()


async def test_a_call_is_recorded_and_sent(tmp_path: Path, s3: S3) -> None:
    call_id = uuid4()
    settings = s3.settings | {"RECORDING": "on", "RECORDING_LEAST_FREE_MB": "0", "RECORDING_KEEP_LOCAL": "off"}
    with running_engine(tmp_path / "data", **settings) as engine:
        await place_call(engine, call_id)
        told = await record_of(engine, call_id, in_s3=True)
        assert told["url"] == f"s3://callengine/calls/{told['file']}"
        caller, agent = sides(s3.read(f"calls/{told['file']}"))
        assert len(caller) == len(agent) == round(told["seconds"] * RATE)
        assert sum(abs(sample) == LOUD for sample in caller) == RATE
        assert any(agent)
        assert list((tmp_path / "data" / "recordings").rglob("*.wav*")) == []


async def test_what_a_killed_engine_recorded_is_mended_and_told(tmp_path: Path) -> None:
    call_id = uuid4()
    settings = {"RECORDING": "on", "RECORDING_LEAST_FREE_MB": "0"}
    recordings = tmp_path / "data" / "recordings"
    with running_engine(tmp_path / "data", **settings) as engine:
        async with open_phone("127.0.0.1", engine.port, call_id) as phone:
            assert await phone.agent_speaking()
            on_disk = await sound_on_disk(recordings)
            engine.tell(signal.SIGKILL)
            engine.status()
    with running_engine(tmp_path / "data") as engine:
        told = await record_of(engine, call_id, in_s3=False)
        assert told["seconds"] >= on_disk > 0
        caller, _ = sides((recordings / told["file"]).read_bytes())
        assert len(caller) == round(told["seconds"] * RATE)
        assert json.dumps(told).count("wav") == 1


async def test_readers_of_events_are_told_of_a_recording(tmp_path: Path) -> None:
    call_id = uuid4()
    with running_engine(tmp_path / "data", RECORDING="on", RECORDING_LEAST_FREE_MB="0") as engine:
        async with following(f"http://{engine.api}") as reader:
            await place_call(engine, call_id)
            with trio.fail_after(PATIENCE_SECONDS):
                name = ""
                while name != "recording":
                    _, name, data = await event(reader)
        told = await record_of(engine, call_id, in_s3=False)
    assert data == {"call_id": str(call_id)} | told
