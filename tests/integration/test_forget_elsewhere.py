"""Forgetting beyond the record: recordings here and in S3, Redis, and what goes by its age."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from callengine import housekeeping
from callengine.forget import forget
from callengine.housekeeping import House, Limits, run_round
from callengine.ports.events import Told
from callengine.ports.registry import LiveCall
from callengine.ports.tools import CallerContext
from callengine.ports.writes import Write
from callengine.services import forgetting
from callengine.services.event_log import open_event_log
from callengine.services.redis_writes import open_write_log
from callengine.services.registry import open_registry
from tests.forgetting import (
    NOW,
    NUMBER,
    assert_forgotten,
    call,
    count_calls,
    house_at,
    in_s3,
    of_number,
    read,
    recorded,
    write,
)
from tests.s3 import S3

pytestmark = pytest.mark.integration


async def test_recordings_go_here_and_in_s3(database_url: str, tmp_path: Path, s3: S3) -> None:
    async with house_at(database_url, tmp_path, s3) as house:
        calls = call("a"), call("b", "+7 495 000-00-00")
        paths = recorded(tmp_path, *calls)
        calls = in_s3(house, calls[0], paths[0]), in_s3(house, calls[1], paths[1])
        await write(house, database_url, *calls)
        assert len(s3.keys()) == 2
        report = await forget(house, "", of_number())
        assert (report.recordings, report.files, report.problems) == (1, 1, [])
        assert [path.exists() for path in paths] == [False, True]
        assert s3.keys() == [f"calls/{calls[1][5].file}"]  # type: ignore[union-attr]
        record = await read(house, database_url, "a")
        assert record is not None and record.recordings == ()
        await assert_forgotten(house, database_url, "a")


async def test_a_bucket_that_is_away_is_named_and_done_later(database_url: str, tmp_path: Path, s3: S3) -> None:
    async with house_at(database_url, tmp_path, s3) as house:
        await write(house, database_url, in_s3(house, call("a"), recorded(tmp_path, call("a"))[0]))
        without = House(house.database, house.bridge, house.data_dir)
        report = await forget(without, "", of_number())
        (problem,) = report.problems
        assert "1 recordings are there: set RECORDING_S3_URL" in problem
        assert len(s3.keys()) == 1
        record = await read(house, database_url, "a")
        assert record is not None and record.recordings == (), "nobody is shown where it still is"
        assert await housekeeping_deletes(without, 1) == 1, "the call stays while the bucket has its voice"
        await run_round(house, Limits(), datetime.now(UTC))
        assert s3.keys() == []
        assert await housekeeping_deletes(house, 1) == 0


async def housekeeping_deletes(house: House, calls: int) -> int:
    """Run with an age at which everything is old; how many calls are left."""
    await run_round(house, Limits(calls=1), NOW + timedelta(days=400))
    left = await count_calls(house)
    assert left <= calls
    return left


async def test_what_redis_has_goes_but_not_of_a_call_that_is_up(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with (
        house_at(database_url, tmp_path) as house,
        open_registry(redis_url, "node-1", house.bridge) as registry,
        open_write_log(redis_url, house.bridge) as writes,
        open_event_log(redis_url, house.bridge) as events,
    ):
        await write(house, database_url, call("a"), call("up"), call("b", "+7 495 000-00-00"))
        for call_id in ("a", "up", "b"):
            registry.checkpoint_nowait(await registry.claim(call_id), f"{call_id} says Иван")
            await registry.put_caller(CallerContext(call_id, "ru-RU", NUMBER))
            await writes.done(Write(f"key-{call_id}", call_id, "order", "done", "Иван"))
        await events.put([Told("n", at, "turn", call_id, "{}") for at, call_id in enumerate(("a", "up", "b"), 1)])
        registry.call_up_nowait(LiveCall("up", "node-1", NOW))
        await registry.publish()
        report = await forget(house, redis_url, of_number())
        assert (report.redis_keys, report.up) == (4, 1)
        told = [each.told for each in await events.after((0, 0), 0)]
        assert [(each.name, each.call_id) for each in told] == [("turn", "up"), ("turn", "b"), ("forgotten", "a")]
        async with open_registry(redis_url, "node-2", house.bridge) as other:
            found = {call_id: await other.claim(call_id) for call_id in ("a", "up", "b")}
            assert {call_id: claim.checkpoint for call_id, claim in found.items()} == {
                "a": "",
                "up": "up says Иван",
                "b": "b says Иван",
            }
            assert await other.take_caller("a") is None
            assert await other.take_caller("b") is not None
        async with open_write_log(redis_url, house.bridge) as fresh:
            assert await fresh.begin(Write("key-a", "a", "order")) is None
            assert (await fresh.begin(Write("key-b", "b", "order"))).answer == "Иван"  # type: ignore[union-attr]


async def test_age_deletes_in_small_parts_by_one_node_alone(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "BATCH_CALLS", 2)
    monkeypatch.setattr(housekeeping, "PAUSE_SECONDS", 0.0)
    async with house_at(database_url, tmp_path) as house:
        calls = [call(f"call-{days}", f"+7 495 {days}", NOW - timedelta(days=days, hours=2)) for days in range(9)]
        paths = recorded(tmp_path, *calls)
        await write(house, database_url, *calls)
        async with house.open_database() as connection:
            assert await house.bridge.run(forgetting.try_lock, connection, housekeeping.LOCK)
            await run_round(house, Limits(calls=4, recordings=2), NOW)
            assert await count_calls(house) == 9, "another node is at it"
        assert [path.exists() for path in paths] == [True] * 2 + [False] * 7, "one's own files are one's own"
        parts: list[int] = []
        delete = forgetting.delete_calls

        async def delete_some(connection: psycopg.AsyncConnection, before: datetime) -> int:
            parts.append(await delete(connection, before))
            return parts[-1]

        monkeypatch.setattr(forgetting, "delete_calls", delete_some)
        await run_round(house, Limits(calls=4, recordings=2), NOW)
        assert parts == [2, 2, 1, 0], "a transaction each"
        assert await count_calls(house) == 4
        records = [await read(house, database_url, f"call-{days}") for days in range(4)]
        assert [len(record.recordings) for record in records if record] == [1, 1, 0, 0]


async def test_without_limits_nothing_goes(database_url: str, tmp_path: Path) -> None:
    async with house_at(database_url, tmp_path) as house:
        whole = call("a", opened_at=NOW - timedelta(days=4000))
        (path,) = recorded(tmp_path, whole)
        await write(house, database_url, whole)
        before = await read(house, database_url, "a")
        await run_round(house, Limits(), NOW)
        assert await read(house, database_url, "a") == before
        assert path.exists()
