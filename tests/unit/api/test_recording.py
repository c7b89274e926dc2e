"""A recording over HTTP: whole, in parts, not there, and who may have it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from structlog.testing import capture_logs

from callengine.api.recordings import PART_BYTES, wanted
from tests.unit.api.fakes import CALL, KEPT, RECORD, Engine, problem_of

PATH = f"/api/v1/calls/{CALL}/recording"
SOUND = bytes(range(256)) * (PART_BYTES // 256 + 3)  # more than a part


@pytest.fixture
def engine() -> Engine:
    """With a recorded call of two connections."""
    engine, second = Engine(), replace(KEPT, file=KEPT.file.replace("_1.wav", "_2.wav"), node="node-b")
    engine.journal.records = [replace(RECORD, recordings=(KEPT, second))]
    engine.sounds[KEPT.file] = SOUND
    return engine


async def test_all_of_it(engine: Engine) -> None:
    with capture_logs() as logs:
        async with engine.client() as client:
            answer = await client.get(PATH)
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["content-length"] == str(len(SOUND))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "no-store"
    [line] = [line for line in logs if line["event"] == "recording_served"]
    assert line == {
        "event": "recording_served",
        "log_level": "info",
        "call_id": str(CALL),
        "number": 1,
        "where": "disk",
        "peer": "127.0.0.1",
        "start": 0,
    }


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=44-", 44, len(SOUND)),
        ("bytes=-100", len(SOUND) - 100, len(SOUND)),
        ("bytes=10-99999999", 10, len(SOUND)),
    ],
)
async def test_a_part_of_it(engine: Engine, asked: str, begin: int, end: int) -> None:
    async with engine.client() as client:
        answer = await client.get(PATH, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, SOUND[begin:end])
    assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{len(SOUND)}"
    assert answer.headers["content-length"] == str(end - begin)


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=-", "seconds=1-2", "bytes=5-4", "bytes=a-b", ""])
async def test_what_is_no_single_range_is_all_of_it(engine: Engine, asked: str) -> None:
    async with engine.client() as client:
        answer = await client.get(PATH, headers={"Range": asked})
    assert (answer.status_code, len(answer.content)) == (200, len(SOUND))


async def test_a_part_that_is_not_there(engine: Engine) -> None:
    async with engine.client() as client:
        for asked in (f"bytes={len(SOUND)}-", "bytes=-0"):
            answer = await client.get(PATH, headers={"Range": asked})
            assert str(len(SOUND)) in problem_of(answer, 416)
            assert answer.headers["content-range"] == f"bytes */{len(SOUND)}"


async def test_a_recording_that_is_not_to_be_had(engine: Engine) -> None:
    async with engine.client() as client:
        assert "node-b" in problem_of(await client.get(PATH, params={"number": 2}), 404)
        assert "forgotten" in problem_of(await client.get(PATH, params={"number": 3}), 404)
        engine.journal.records = [RECORD]
        assert "forgotten" in problem_of(await client.get(PATH), 404)
        engine.journal.records = []
        assert "unknown" in problem_of(await client.get(PATH), 404)
        problem_of(await client.get(PATH, params={"number": 0}), 422)


async def test_a_bucket_that_is_away_is_an_error_and_not_a_broken_answer(engine: Engine) -> None:
    engine.sounds_away = True
    async with engine.client() as client:
        problem_of(await client.get(PATH), 503)


async def test_the_read_token_is_not_enough(engine: Engine) -> None:
    tokens = {"API_TOKEN": "full-token", "API_READ_TOKEN": "read-token"}
    async with engine.client(peer="192.0.2.7", **tokens) as client:
        for given, status in (("full-token", 200), ("read-token", 401), ("wrong", 401)):
            answer = await client.get(PATH, headers={"Authorization": f"Bearer {given}"})
            assert answer.status_code == status
        answer = await client.get(PATH, headers={"Authorization": "Bearer read-token"})
        assert "API_TOKEN" in problem_of(answer, 401)
        for path in (PATH + "/", PATH.replace("recording", "%72ecording")):
            answer = await client.get(path, headers={"Authorization": "Bearer read-token"})
            assert answer.status_code in (401, 404)


@given(st.text(alphabet="bytes=-0123456789, ", max_size=20), st.integers(1, 100))
def test_whatever_is_asked_for_is_within_the_file(text: str, size: int) -> None:
    try:
        start, end, partial = wanted(text, size)
    except HTTPException as error:
        assert error.status_code == 416
        return
    assert 0 <= start < end <= size
    assert partial or (start, end) == (0, size)
