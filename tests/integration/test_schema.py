"""Migrations: up, down, twice, at once, after a kill."""

from importlib.resources import files
from itertools import islice

import psycopg
import pytest
import trio

from callengine.ports.calls_wanted import CallsWanted
from callengine.ports.journal import TurnRecorded
from callengine.services.bridge import open_bridge
from callengine.services.journal import open_journal
from callengine.services.journal_filters import conditions
from callengine.services.journal_rows import NEWEST_CALLS
from callengine.services.schema import migrate, unmigrate

pytestmark = pytest.mark.integration

OURS = {"calls", "turns", "tool_calls", "callbacks", "recordings", "forget_list"}
MIGRATIONS = files("callengine.services") / "migrations"
STEPS = sum(not file.name.endswith(".rollback.sql") for file in MIGRATIONS.iterdir())


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        return {name for (name,) in found} & OURS


async def test_up_twice_down_and_up_again(empty_database_url: str) -> None:
    assert await migrate(empty_database_url) == STEPS
    assert tables(empty_database_url) == OURS
    assert await migrate(empty_database_url) == 0
    assert await unmigrate(empty_database_url) == STEPS
    assert tables(empty_database_url) == set()
    assert await migrate(empty_database_url) == STEPS
    assert tables(empty_database_url) == OURS


async def test_several_processes_at_once_apply_each_step_once(empty_database_url: str) -> None:
    applied: list[int] = []

    async def one() -> None:
        applied.append(await migrate(empty_database_url))

    async with trio.open_nursery() as nursery:
        for _ in islice(range(5), 5):
            nursery.start_soon(one)
    assert sorted(applied) == [0, 0, 0, 0, STEPS]


async def test_a_run_killed_before_its_note_and_one_that_left_a_lock_are_no_obstacle(empty_database_url: str) -> None:
    await migrate(empty_database_url)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM schema_migrations")  # applied, not noted
        connection.execute("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 4711)")
    assert await migrate(empty_database_url) == STEPS
    assert tables(empty_database_url) == OURS


async def test_rows_written_before_use_was_kept_still_read(empty_database_url: str) -> None:
    down = files("callengine.services") / "migrations" / "0003.cost.rollback.sql"
    await migrate(empty_database_url)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(down.read_bytes())
        connection.execute("DELETE FROM schema_migrations WHERE migration_id LIKE '0003%'")
        connection.execute(
            "INSERT INTO calls (call_id, node, opened_at, language, number, name, called, fields, closed_at, seconds,"
            " outcome, detail, target)"
            " VALUES ('a', 'n', now(), 'ru-RU', '', '', '', '{}', now(), 5, 'completed', '', '')"
        )
        connection.execute("INSERT INTO turns VALUES ('a', 1, 'agent', 'x', 0, 1, false, '{\"voice\": 0.25}')")
    assert await migrate(empty_database_url) == 1
    async with open_bridge() as bridge, open_journal(empty_database_url, bridge) as journal:
        record = await journal.call("a")
    assert record is not None and record.closed is not None
    assert record.closed.used is None
    assert record.turns == (TurnRecorded("a", 1, "agent", "x", 0.0, 1.0, timings={"voice": 0.25}),)


def test_a_call_takes_its_turns_and_tools_with_it(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO calls VALUES ('a', 'n', now(), 'ru-RU', '', '', '', '{}')")
        connection.execute("INSERT INTO turns VALUES ('a', 1, 'agent', 'x', 0, 1, false, '{}')")
        connection.execute("INSERT INTO tool_calls VALUES ('a', 2, 't', '{}', '{}', false, 0, 1)")
        connection.execute("DELETE FROM calls WHERE call_id = 'a'")
        row = connection.execute("SELECT (SELECT count(*) FROM turns), (SELECT count(*) FROM tool_calls)").fetchone()
    assert row == (0, 0)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (CallsWanted(), "calls_newest_first"),
        (CallsWanted(outcome="failed"), "calls_by_outcome"),
        (CallsWanted(number="9161234567"), "calls_by_number"),
    ],
    ids=["all", "outcome", "number"],
)
def test_a_filter_s_page_is_read_from_its_index(database_url: str, wanted: CallsWanted, index: str) -> None:
    where, parameters = conditions(wanted)
    query = f"EXPLAIN SELECT call_id FROM calls {where} {NEWEST_CALLS}"
    with psycopg.connect(database_url) as connection:
        connection.execute("SET enable_seqscan = off")  # a table of a few rows is not worth an index
        connection.execute("SET enable_sort = off")
        plan = "\n".join(line for (line,) in connection.execute(query, (*parameters, 50)))
    assert index in plan
