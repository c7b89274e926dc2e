"""Steps of the schema one by one: down and up again with the rows that can be kept; a database that is ahead."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import psycopg
import pytest

from callengine.backup.programs import found
from callengine.errors import ConfigError
from callengine.ports.journal import CallbackRequested, CallClosed, ToolRecorded
from callengine.services import schema
from callengine.services.bridge import open_bridge
from callengine.services.journal import open_journal
from tests.contract.entries import NOON, USED, opened, turn
from tests.engine_process import engine_environment

pytestmark = pytest.mark.integration

LATER = "9999.later"
FIRST, *REST = schema.known_steps()
LAST = REST[-1]

Rows = Mapping[str, list[dict[str, Any]]]


def rows_of(url: str) -> Rows:
    """Every row of our tables, yoyo's apart, as JSON."""
    tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute(tables) if "yoyo" not in name and name != schema.TABLE]
        rows = {name: connection.execute(f"SELECT to_jsonb(t) FROM {name} t").fetchall() for name in sorted(names)}
    return {name: [row for (row,) in found] for name, found in rows.items()}


def kept(rows: Rows, others: Rows) -> Rows:
    """What of `rows` has a place in `others`, in an order that does not depend on columns that have none."""
    shared = {}
    for table in rows.keys() & others.keys():
        columns = {column for row in others[table] for column in row}
        cut = [{name: row[name] for name in sorted(row.keys() & columns)} for row in rows[table]]
        shared[table] = sorted(cut, key=str)
    return shared


async def fill(url: str) -> None:
    """A row in every table that the journal writes."""
    async with open_bridge() as bridge, open_journal(url, bridge) as journal:
        for call_id in ("a", "b"):
            journal.record_nowait(opened(call_id))
            journal.record_nowait(turn(call_id, 1))
            journal.record_nowait(ToolRecorded(call_id, 2, "find", {"size": "205/55"}, "[]", False, 1.0, 0.5))
            journal.record_nowait(CallbackRequested(call_id, 3, NOON, "+79161234567", "Анна", "шины", "завтра"))
        journal.record_nowait(CallClosed("a", NOON, 5.0, "transferred", "", "sales", "Анна ищет шины", USED))
        await journal.flush()


async def test_each_step_goes_down_and_up_again_and_keeps_what_has_a_place(empty_database_url: str) -> None:
    url = empty_database_url
    await schema.migrate(url)
    await fill(url)
    whole = rows_of(url)
    assert {"calls", "turns", "tool_calls", "callbacks"} <= {table for table, rows in whole.items() if rows}
    before = whole
    for step, below in zip(reversed(REST), reversed([FIRST, *REST[:-1]]), strict=True):
        assert await schema.migrate_to(url, below, down=True) == (step,)
        after = rows_of(url)
        assert kept(after, before) == kept(before, after), step
        before = after
    assert set(before) == {"calls", "turns", "tool_calls"}
    assert before["calls"], "calls are kept to the first step"
    for step in REST:
        assert await schema.migrate_to(url, step) == (step,)
    again = rows_of(url)
    assert again.keys() == whole.keys()
    assert kept(again, before) == kept(whole, before)
    async with open_bridge() as bridge, open_journal(url, bridge) as journal:
        record = await journal.call("a")
    assert record is not None
    assert record.closed is not None
    assert [one.sequence for one in record.turns] == [1]


async def test_nothing_is_undone_unless_asked(database_url: str) -> None:
    with pytest.raises(ConfigError, match=f"drops what {LAST} added"):
        await schema.migrate_to(database_url, REST[-2])
    assert await schema.migrate(database_url) == 0


def command(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    env = engine_environment(Path("/nowhere"), **settings)
    return subprocess.run(
        [sys.executable, "-m", "callengine", *words], env=env, capture_output=True, text=True, check=False
    )


def test_the_command_goes_to_a_step_and_back(database_url: str) -> None:
    refused = command("migrate", "--to", FIRST, DATABASE_URL=database_url)
    assert (refused.returncode, refused.stdout, len(refused.stderr.splitlines())) == (2, "", 1)
    assert "--to: drops what" in refused.stderr
    done = command("migrate", "--to", FIRST, "--down", DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (0, f"{len(REST)} migration(s) undone\n")
    done = command("migrate", "--json", DATABASE_URL=database_url)
    assert done.returncode == 0
    assert f'"taken": ["{REST[0]}"' in done.stdout
    unknown = command("migrate", "--to", "0042.answer", DATABASE_URL=database_url)
    assert (unknown.returncode, len(unknown.stderr.splitlines())) == (2, 1)
    assert "there is no step '0042.answer'" in unknown.stderr


@pytest.fixture
def later_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """This process's version is a newer one, with a step more: columns, an index, a table."""
    folder = tmp_path / "later"
    with as_file(files("callengine.services") / "migrations") as ours:
        shutil.copytree(ours, folder / "migrations")
    up = "ALTER TABLE calls ADD COLUMN later text NOT NULL DEFAULT ''; ALTER TABLE turns ADD COLUMN later jsonb;"
    up += "CREATE INDEX calls_by_later ON calls (later); CREATE TABLE later (call_id text REFERENCES calls);"
    down = "DROP TABLE later; ALTER TABLE turns DROP COLUMN later; ALTER TABLE calls DROP COLUMN later;"
    (folder / "migrations" / f"{LATER}.sql").write_text(f"-- depends: {LAST}\n{up}")
    (folder / "migrations" / f"{LATER}.rollback.sql").write_text(down)
    monkeypatch.setattr(schema, "files", lambda _package: folder)


async def test_a_database_that_is_ahead_is_told(database_url: str, later_version: None) -> None:
    assert await schema.migrate(database_url) == 1
    refused = command("migrate", DATABASE_URL=database_url)
    assert (refused.returncode, refused.stdout, len(refused.stderr.splitlines())) == (2, "", 1), refused
    assert refused.stderr.startswith("callengine: DATABASE_URL: the database test_"), refused
    assert f"it has step {LATER}, this version ends with {LAST}" in refused.stderr
    assert await schema.migrate_to(database_url, LAST, down=True) == (LATER,)
    assert command("migrate", DATABASE_URL=database_url).stdout == "0 migration(s) applied\n"


def test_all_of_this_runs_on_postgresql_16(postgres_url: str) -> None:
    """The version that the contract names: the server that every test of the schema, the journal and the API has, and
    the programs that backups are tested with."""
    with psycopg.connect(postgres_url) as connection:
        assert connection.info.server_version // 10000 == 16
    for name in ("pg_dump", "pg_restore"):
        said = subprocess.run([found(name), "--version"], capture_output=True, text=True, check=True, env=os.environ)
        assert f"{name} (PostgreSQL) 16." in said.stdout
