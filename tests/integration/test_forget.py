"""Forgetting, on real servers: what is personal goes, what is counted stays, and what comes later goes as well."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
import trio
from typer.testing import CliRunner, Result

from callengine import housekeeping
from callengine.buckets import bucket_of
from callengine.cli.main import app
from callengine.config import load_settings
from callengine.errors import ConfigError
from callengine.forget import Report, forget, forget_again, preview
from callengine.housekeeping import House, Limits, run_round
from callengine.ports.calls_wanted import number_key
from callengine.ports.forgetting import Removed, Target
from callengine.ports.journal import (
    CallbackRequested,
    CallClosed,
    CallOpened,
    CallRecord,
    Entry,
    RecordingKept,
    ToolRecorded,
    TurnRecorded,
)
from callengine.ports.registry import LiveCall
from callengine.ports.tools import CallerContext
from callengine.ports.usage import Used
from callengine.ports.writes import Write
from callengine.recording.files import file_of
from callengine.services import forgetting
from callengine.services.bridge import open_bridge
from callengine.services.database import connection_options
from callengine.services.forget_list import ForgetList
from callengine.services.journal import open_journal
from callengine.services.redis_writes import open_write_log
from callengine.services.registry import open_registry
from callengine.services.spool import DAMAGED, open_spool
from callengine.services.spool_entries import packed
from callengine.services.spool_records import framed
from tests.s3 import S3

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC).replace(microsecond=0)
NUMBER = "+7 916 123-45-67"
NOBODY = "postgresql://nobody@127.0.0.1:1/x"
BILL = (Used("llm", "claude", input_tokens=100, output_tokens=5, usd=Decimal("0.01")),)


def call(call_id: str, number: str = NUMBER, opened_at: datetime = NOW - timedelta(hours=1)) -> list[Entry]:
    """A whole call, personal all over."""
    file = file_of(call_id, 1, opened_at)
    return [
        CallOpened(call_id, "node-1", opened_at, "ru-RU", number, "Иван", "100", {"card": "4711"}, "PJSIP/ivan-1"),
        TurnRecorded(call_id, 1, "caller", "Меня зовут Иван", 0.5, 1.5, used=BILL),
        ToolRecorded(call_id, 2, "find", {"phone": number}, '{"name": "Иван"}', False, 1.6, 0.2),
        TurnRecorded(call_id, 3, "agent", "Здравствуйте, Иван", 2.0, 3.0),
        CallbackRequested(call_id, 4, opened_at, number, "Иван", "шины", "завтра"),
        RecordingKept(call_id, file, "node-1", opened_at, 60.0),
        CallClosed(call_id, opened_at + timedelta(minutes=1), 60.0, "transferred", "", "operator", "Иван, шины", BILL),
    ]


@asynccontextmanager
async def house_at(url: str, folder: Path, s3: S3 | None = None) -> AsyncIterator[House]:
    bucket = None if s3 is None else bucket_of(load_settings(s3.settings))
    async with open_bridge() as bridge:
        yield House(connection_options(url), bridge, folder, bucket)


async def write(house: House, url: str, *calls: list[Entry]) -> None:
    async with open_journal(url, house.bridge) as journal:
        for entry in (entry for one in calls for entry in one):
            journal.record_nowait(entry)
        await journal.flush()


async def read(house: House, url: str, call_id: str) -> CallRecord | None:
    async with open_journal(url, house.bridge) as journal:
        return await journal.call(call_id)


async def assert_forgotten(house: House, url: str, call_id: str) -> None:
    """Nothing personal is left of a call; its counts, times and costs are."""
    record = await read(house, url, call_id)
    whole = call(call_id, opened_at=record.opened.opened_at if record else NOW)
    assert record is not None and record.closed is not None
    opened = record.opened
    assert (opened.number, opened.name, opened.fields, opened.channel) == ("", "", {}, "")
    assert (opened.node, opened.language, opened.called) == ("node-1", "ru-RU", "100")
    assert [(turn.role, turn.text, turn.started) for turn in record.turns] == [("caller", "", 0.5), ("agent", "", 2.0)]
    assert record.turns[0].used == BILL
    assert [(tool.name, tool.arguments, tool.result, tool.seconds) for tool in record.tools] == [("find", {}, "", 0.2)]
    assert [(one.number, one.name, one.about, one.when) for one in record.callbacks] == [("", "", "", "")]
    closed = whole[-1]
    assert isinstance(closed, CallClosed)
    assert (record.closed.seconds, record.closed.outcome, record.closed.summary) == (60.0, "transferred", "")
    assert (record.closed.used, record.closed.closed_at) == (BILL, closed.closed_at)
    with psycopg.connect(url) as connection:
        left = connection.execute(
            "SELECT count(*) FROM calls c LEFT JOIN turns t USING (call_id) LEFT JOIN tool_calls o USING (call_id)"
            " WHERE call_id = %s AND (c::text || t::text || o::text) ~ 'Иван|916'",
            (call_id,),
        ).fetchone()
    assert left == (0,)


def of_number(number: str = NUMBER) -> Target:
    return Target("number", number_key(number), datetime.now(UTC))


async def test_the_calls_of_a_number_are_forgotten_and_no_others(database_url: str, tmp_path: Path) -> None:
    async with house_at(database_url, tmp_path) as house:
        others = call("b", "+7 495 000-00-00")
        await write(house, database_url, call("a"), others, call("c", "8(916)1234567"))
        before = await read(house, database_url, "b")
        assert (await preview(house, of_number())).removed == Removed(2, 4, 2, 2)
        assert ForgetList(tmp_path).entries() == []
        report = await forget(house, "", of_number())
        assert (report.removed.calls, report.problems) == (2, [])
        for call_id in ("a", "c"):
            await assert_forgotten(house, database_url, call_id)
        assert await read(house, database_url, "b") == before
        assert not (await forget(house, "", of_number())).removed.calls
        # who calls again later is somebody the record knows
        await write(house, database_url, call("d", opened_at=datetime.now(UTC)))
        again = await read(house, database_url, "d")
        assert again is not None and again.opened.number == NUMBER


async def test_whoever_asked_to_be_called_back_at_the_number_is_meant(database_url: str, tmp_path: Path) -> None:
    async with house_at(database_url, tmp_path) as house:
        hidden = call("a", "anonymous")
        hidden[4] = CallbackRequested("a", 4, NOW, "8 916 123 45 67", "Иван", "шины", "завтра")
        await write(house, database_url, hidden)
        assert (await forget(house, "", of_number())).removed.calls == 1
        await assert_forgotten(house, database_url, "a")


async def test_what_waits_on_disk_is_forgotten_as_it_is_written(database_url: str, tmp_path: Path) -> None:
    """One call whole in the spool, one whose beginning the database has, one that is to stay."""
    async with house_at(database_url, tmp_path) as house:
        await write(house, database_url, call("b")[:2])
        with open_spool(tmp_path, "node-1") as spool:
            async with open_journal(NOBODY, house.bridge, spool) as journal:
                for entry in (*call("a"), *call("b")[2:], *call("c", "+7 495 000-00-00")):
                    journal.record_nowait(entry)
        report = await forget(house, "", of_number())
        assert report.removed.calls == 1, "of `a` the database knows nothing yet"
        await forget(house, "", Target("call", "c", datetime.now(UTC)))
        with open_spool(tmp_path, "node-1") as spool:
            assert spool.pending
            async with open_journal(database_url, house.bridge, spool) as journal:
                await journal.flush()
        for call_id in ("a", "b", "c"):
            await assert_forgotten(house, database_url, call_id)


async def test_a_damaged_file_of_the_spool_is_written_anew(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "spool" / "node-1" / f"00000000000000000001.spool{DAMAGED}"
    path.parent.mkdir(parents=True)
    records = [framed(packed(entry)) for entry in (*call("a"), *call("b", "+7 495 000-00-00"))]
    path.write_bytes(b"".join(records[:3]) + b"\xff\x00 rubbish of a disk" + b"".join(records[3:]))
    async with house_at(database_url, tmp_path) as house:
        report = await forget(house, "", of_number())
        assert (report.damaged_entries, report.found) == (7, True)
        assert path.read_bytes() == b"".join(records[7:])
        assert (await forget(house, "", of_number())).damaged_entries == 0


@contextmanager
def copy_of(url: str) -> Iterator[str]:
    """The database as it is now, as a dump would bring it back later."""
    name = url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(url.replace(f"/{name}?", "/postgres?"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}_copy TEMPLATE {name}")
        yield url.replace(f"/{name}?", f"/{name}_copy?")
        connection.execute(f"DROP DATABASE {name}_copy WITH (FORCE)")


@pytest.mark.parametrize("by", ["command", "engine"])
async def test_a_restored_copy_is_forgotten_again(database_url: str, tmp_path: Path, by: str) -> None:
    async with house_at(database_url, tmp_path) as house:
        old = call("o", "+7 495 000-00-01", NOW - timedelta(days=400))
        await write(house, database_url, call("a"), call("b", "+7 495 000-00-00"), call("c", "+7 495 1"), old)
        with copy_of(database_url) as restored:
            await forget(house, "", of_number())
            await forget(house, "", Target("call", "c", datetime.now(UTC)))
            await forget(house, "", Target("age", "", NOW - timedelta(days=365)))
            anew = House(connection_options(restored), house.bridge, tmp_path)
            assert (await read(anew, restored, "a")).opened.number == NUMBER  # type: ignore[union-attr]
            if by == "command":
                assert (await preview(anew, None)).removed.calls == 0, "the restored database has no list yet"
                assert (await forget_again(anew, "")).removed.calls == 3
            else:
                await run_round(anew, Limits(), datetime.now(UTC))
            for call_id in ("a", "c", "o"):
                await assert_forgotten(anew, restored, call_id)
            assert (await read(anew, restored, "b")).opened.name == "Иван"  # type: ignore[union-attr]
            assert not (await forget_again(anew, "")).removed.calls


async def test_another_node_learns_the_list_from_the_database(database_url: str, tmp_path: Path) -> None:
    async with house_at(database_url, tmp_path / "a") as house:
        other = House(house.database, house.bridge, tmp_path / "b")
        await write(house, database_url, call("a"))
        await forget(house, "", of_number())
        await run_round(other, Limits(), datetime.now(UTC))
        assert ForgetList(tmp_path / "b").entries() == ForgetList(tmp_path / "a").entries() != []


def recorded(folder: Path, *calls: list[Entry]) -> list[Path]:
    """Their recordings as files."""
    found = []
    for entry in (entry for one in calls for entry in one):
        if isinstance(entry, RecordingKept):
            path = folder / "recordings" / entry.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"RIFF")
            found.append(path)
    return found


def in_s3(house: House, whole: list[Entry], path: Path) -> list[Entry]:
    """The call with its recording in the bucket."""
    assert house.bucket is not None
    kept = whole[5]
    assert isinstance(kept, RecordingKept)
    url = house.bucket.put(path, kept.file)
    return [*whole[:5], RecordingKept(kept.call_id, kept.file, kept.node, kept.began, kept.seconds, url), whole[6]]


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
        assert await housekeeping_deletes(without, 1) == 1, "the call stays while the bucket has its voice"
        await run_round(house, Limits(), datetime.now(UTC))
        assert s3.keys() == []
        assert await housekeeping_deletes(house, 1) == 0


async def housekeeping_deletes(house: House, calls: int) -> int:
    """Run with an age at which everything is old; how many calls are left."""
    await run_round(house, Limits(calls=1), NOW + timedelta(days=400))
    async with house.open_database() as connection:
        left = await house.bridge.run(_count, connection)
    assert left <= calls
    return left


async def _count(connection: psycopg.AsyncConnection) -> int:
    found = await (await connection.execute("SELECT count(*) FROM calls")).fetchone()
    assert found is not None
    return int(found[0])


async def test_what_redis_has_goes_but_not_of_a_call_that_is_up(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with (
        house_at(database_url, tmp_path) as house,
        open_registry(redis_url, "node-1", house.bridge) as registry,
        open_write_log(redis_url, house.bridge) as writes,
    ):
        await write(house, database_url, call("a"), call("up"), call("b", "+7 495 000-00-00"))
        for call_id in ("a", "up", "b"):
            registry.checkpoint_nowait(await registry.claim(call_id), f"{call_id} says Иван")
            await registry.put_caller(CallerContext(call_id, "ru-RU", NUMBER))
            await writes.done(Write(f"key-{call_id}", call_id, "order", "done", "Иван"))
        registry.call_up_nowait(LiveCall("up", "node-1", NOW))
        await registry.publish()
        report = await forget(house, redis_url, of_number())
        assert (report.redis_keys, report.up) == (3, 1)
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
        await run_round(house, Limits(calls=4, recordings=2), NOW)
        assert await count_calls(house) == 4
        records = [await read(house, database_url, f"call-{days}") for days in range(4)]
        assert [len(record.recordings) for record in records if record] == [1, 1, 0, 0]


async def count_calls(house: House) -> int:
    async with house.open_database() as connection:
        return await house.bridge.run(_count, connection)


async def test_without_limits_nothing_goes(database_url: str, tmp_path: Path) -> None:
    async with house_at(database_url, tmp_path) as house:
        whole = call("a", opened_at=NOW - timedelta(days=4000))
        (path,) = recorded(tmp_path, whole)
        await write(house, database_url, whole)
        before = await read(house, database_url, "a")
        await run_round(house, Limits(), NOW)
        assert await read(house, database_url, "a") == before
        assert path.exists()


def run_command(environ: Mapping[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(app, ["forget", *arguments], env=dict(environ))


def test_the_command_says_what_it_did(database_url: str, redis_url: str, tmp_path: Path) -> None:
    async def prepare() -> None:
        async with house_at(database_url, tmp_path) as house:
            await write(house, database_url, call("a"), call("b", opened_at=NOW - timedelta(days=400)))

    trio.run(prepare)
    environ = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "DATA_DIR": str(tmp_path)}
    shown = run_command(environ, "--number", NUMBER, "--dry-run", "--json")
    assert (shown.exit_code, json.loads(shown.stdout)["calls"]) == (0, 2), shown.output
    shown = run_command(environ, "--older-than", "365d", "--delete", "--json")
    told = json.loads(shown.stdout)
    assert (shown.exit_code, told["calls"], told["deleted_calls"], told["problems"]) == (0, 1, 1, [])
    shown = run_command(environ, "--number", NUMBER)
    assert (shown.exit_code, "cleared: 1 calls with 2 turns, 1 tool calls and 1 call-backs" in shown.output) == (
        0,
        True,
    )
    assert NUMBER not in shown.output
    assert run_command(environ, "--call", "a").exit_code == 3
    assert run_command(environ, "--again").exit_code == 3


def test_a_bucket_that_cannot_be_reached_is_status_1(database_url: str, tmp_path: Path, s3: S3) -> None:
    async def prepare() -> None:
        async with house_at(database_url, tmp_path, s3) as house:
            await write(house, database_url, in_s3(house, call("a"), recorded(tmp_path, call("a"))[0]))

    trio.run(prepare)
    environ = {"DATABASE_URL": database_url, "DATA_DIR": str(tmp_path), **s3.settings}
    shown = run_command(environ | {"RECORDING_S3_ENDPOINT": "http://127.0.0.1:1"}, "--number", NUMBER)
    assert (shown.exit_code, "not done: S3 s3://callengine/calls" in shown.output) == (1, True), shown.output
    shown = run_command(environ, "--number", NUMBER)
    assert (shown.exit_code, s3.keys()) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "nothing was said"),
        (("--number", "1", "--again"), "--number and --again were given"),
        (("--number", "anonymous"), "--number: has 0 digits"),
        (("--older-than", "a year"), "--older-than: is a number and h, d or w"),
        (("--older-than", "0d"), "--older-than"),
        (("--call", "a", "--delete"), "--delete: goes with --older-than alone"),
        (("--call", "a"), "DATABASE_URL: is not set"),
    ],
)
def test_a_wrong_option_is_one_line(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    shown = run_command({"DATA_DIR": str(tmp_path)}, *arguments)
    assert isinstance(shown.exception, ConfigError)
    assert says in str(shown.exception)


def test_a_report_without_anything_has_found_nothing() -> None:
    assert not Report().found
    assert Report(damaged_entries=1).found
