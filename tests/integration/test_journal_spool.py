"""The record on disk while PostgreSQL is away, through kill -9 of the engine and of the database: nothing lost, nothing
twice."""

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg
import pytest

from callengine.metrics import journal_lost_total, journal_spool_errors_total
from callengine.ports.journal import CallClosed, CallOpened, Entry, TurnRecorded
from callengine.services import journal as journal_module
from callengine.services.bridge import open_bridge
from callengine.services.embedded_postgres import open_postgres
from callengine.services.journal import PostgresJournal, open_journal
from callengine.services.schema import migrate
from callengine.services.spool import open_spool
from tests.conftest import ExpectErrorLog
from tests.power_cut import kill_postgres, until

pytestmark = pytest.mark.integration

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOBODY = "postgresql://nobody@127.0.0.1:1/x"
TURNS = 5

# An engine's record, told by its standard input how many calls to record; it says which are in safety, and never ends.
ENGINE = """
import sys
from pathlib import Path
import trio
from tests.integration.test_journal_spool import journal_in, record_calls
from tests.power_cut import until
async def main(url, folder):
    async with journal_in(Path(folder), url) as journal:
        while line := await trio.to_thread.run_sync(sys.stdin.readline):
            first, last = map(int, line.split())
            record_calls(journal, first, last)
            await until(lambda: not journal._entries)
            print("safe", last, flush=True)
        await trio.sleep_forever()
trio.run(main, *sys.argv[1:])
"""


@asynccontextmanager
async def journal_in(folder: Path, url: str) -> AsyncIterator[PostgresJournal]:
    with open_spool(folder, "node-1") as spool:
        async with open_bridge() as bridge, open_journal(url, bridge, spool) as journal:
            yield journal


def record_calls(journal: PostgresJournal, first: int, last: int) -> None:
    """Whole calls of 7 entries each, named by number."""
    for entry in (entry for number in range(first, last) for entry in call(f"call-{number:04}")):
        journal.record_nowait(entry)


def call(call_id: str) -> Iterator[Entry]:
    yield CallOpened(call_id, "node-1", NOON, "ru-RU")
    for sequence in range(TURNS):
        yield TurnRecorded(call_id, sequence, "caller", f"фраза {sequence}", 0.0, 1.0)
    yield CallClosed(call_id, NOON, 60.0, "completed")


def assert_all_there(url: str, calls: int) -> None:
    """Each of the calls whole and ended, and none but them."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT call_id FROM calls WHERE closed_at IS NOT NULL ORDER BY call_id").fetchall()
        turns = connection.execute("SELECT call_id, sequence FROM turns ORDER BY call_id, sequence").fetchall()
        others = connection.execute("SELECT count(*) FROM calls WHERE closed_at IS NULL").fetchone()
    names = [f"call-{number:04}" for number in range(calls)]
    assert [call_id for (call_id,) in found] == names
    assert turns == [(name, sequence) for name in names for sequence in range(TURNS)]
    assert others == (0,)


def spooled(folder: Path) -> list[Path]:
    return sorted((folder / "spool").rglob("*.spool*"))


@contextmanager
def engine(url: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """The program above; killed at the end, if not before."""
    command = (sys.executable, "-c", ENGINE, url, str(folder))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def tell(process: "subprocess.Popen[str]", first: int, last: int) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{first} {last}\n")
    process.stdin.flush()


def until_safe(process: "subprocess.Popen[str]", last: int) -> None:
    assert process.stdout is not None
    while (line := process.stdout.readline()) != f"safe {last}\n":
        assert line.startswith(("safe", "20")), line  # a log line begins with its time


async def test_an_outage_leaves_nothing_in_memory_and_nothing_out(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(AsyncExitStack())
        url = await server.enter_async_context(open_postgres(tmp_path))
        await migrate(url)
        journal = await stack.enter_async_context(journal_in(tmp_path, url))
        record_calls(journal, 0, 50)
        await journal.flush()
        await until(lambda: not spooled(tmp_path))
        kill_postgres(tmp_path)
        for first in range(50, 250, 50):
            record_calls(journal, first, first + 50)
            await until(lambda: not journal._entries)
        assert journal.backlog == 200 * (TURNS + 2)
        assert not journal.spool_failed
        await server.aclose()
        await server.enter_async_context(open_postgres(tmp_path))
        record_calls(journal, 250, 300)
        await until(lambda: not journal.backlog)  # an attempt under way may still find it starting
        assert_all_there(url, 300)
        await until(lambda: not spooled(tmp_path))


async def test_no_file_is_touched_while_the_database_is_well(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "KEEP_SECONDS", 30.0)
    async with journal_in(tmp_path, database_url) as journal:
        for first in range(0, 30, 10):
            record_calls(journal, first, first + 10)
            await journal.flush()
            assert spooled(tmp_path) == []
    assert_all_there(database_url, 30)


async def test_an_engine_killed_while_the_database_is_away(database_url: str, tmp_path: Path) -> None:
    """Twice, the second time in the middle of recording; what it had said to be safe is there."""
    with engine(NOBODY, tmp_path) as process:
        tell(process, 0, 40)
        until_safe(process, 40)
        process.send_signal(signal.SIGKILL)
    with engine(NOBODY, tmp_path) as process:
        for first in range(40, 80, 10):
            tell(process, first, first + 10)
            until_safe(process, first + 10)
        tell(process, 80, 2000)
        process.send_signal(signal.SIGKILL)
    async with journal_in(tmp_path, database_url) as journal:
        assert journal.backlog >= 80 * (TURNS + 2)
        await journal.flush()
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM calls WHERE call_id >= 'call-0080'")  # what was being recorded, and how far
    assert_all_there(database_url, 80)


async def test_an_engine_killed_while_it_writes_what_the_spool_has(database_url: str, tmp_path: Path) -> None:
    with engine(NOBODY, tmp_path) as process:
        tell(process, 0, 1000)
        until_safe(process, 1000)
    for written in (50, 300, 600):
        with engine(database_url, tmp_path), psycopg.connect(database_url, autocommit=True) as connection:
            await until(partial(has_calls, connection, written))
    async with journal_in(tmp_path, database_url) as journal:
        await journal.flush()
    assert_all_there(database_url, 1000)
    assert spooled(tmp_path) == []


def has_calls(connection: psycopg.Connection, count: int) -> bool:
    return connection.execute("SELECT count(*) >= %s FROM calls", (count,)).fetchone() == (True,)


async def test_leaving_while_the_database_is_away_keeps_everything_for_the_next_engine(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "CLOSE_SECONDS", 0.5)
    monkeypatch.setattr(journal_module, "REST_SECONDS", 60.0)  # a busy machine has a slow disk
    monkeypatch.setattr(journal_module, "KEEP_SECONDS", 30.0)
    async with journal_in(tmp_path, NOBODY) as journal:
        record_calls(journal, 0, 20)
    assert spooled(tmp_path) != []
    async with journal_in(tmp_path, database_url) as journal:
        assert journal.backlog == 20 * (TURNS + 2)
        await journal.flush()
    assert_all_there(database_url, 20)


async def test_a_full_disk_is_said_once_and_costs_nothing(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expect_error_log: ExpectErrorLog
) -> None:
    monkeypatch.setattr(journal_module, "KEEP_AGAIN_SECONDS", 0.05)
    errors = journal_spool_errors_total._value.get()
    lost = journal_lost_total.labels("full")._value.get()
    with open_spool(tmp_path, "node-1", max_bytes=20_000) as spool:
        async with open_bridge() as bridge, open_journal(empty_database_url, bridge, spool) as journal:
            with expect_error_log("cannot be kept on disk"):
                for first in range(0, 60, 20):
                    record_calls(journal, first, first + 20)
                    await until(lambda: not journal._entries or journal.spool_failed)
                await until(lambda: journal_spool_errors_total._value.get() >= errors + 3)
            assert journal.spool_failed
            assert 0 < spool.size <= 20_000
            assert journal.backlog == 60 * (TURNS + 2)
            await migrate(empty_database_url)
            await until(lambda: not journal.backlog and not journal.spool_failed)
    assert journal_lost_total.labels("full")._value.get() == lost
    assert_all_there(empty_database_url, 60)


async def test_entries_that_the_database_refuses_are_counted_and_the_spool_goes_on(
    database_url: str, tmp_path: Path, expect_error_log: ExpectErrorLog
) -> None:
    before = journal_lost_total.labels("refused")._value.get()
    with open_spool(tmp_path, "node-1") as spool:
        unknown = TurnRecorded("unknown", 1, "caller", "", 0.0, 1.0)
        spool.append([*call("call-0000"), unknown, *call("call-0001")])
    with expect_error_log("refused an entry"):
        async with journal_in(tmp_path, database_url) as journal:
            await until(lambda: not journal.backlog)
    assert_all_there(database_url, 2)
    assert journal_lost_total.labels("refused")._value.get() == before + 1
