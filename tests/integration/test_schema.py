"""Migrations: up, down, twice, at once, after a kill."""

from importlib.resources import files
from itertools import islice

import psycopg
import pytest
import trio

from callengine.services.schema import migrate, unmigrate

pytestmark = pytest.mark.integration

OURS = {"calls", "turns", "tool_calls", "callbacks"}
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


def test_a_call_takes_its_turns_and_tools_with_it(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO calls VALUES ('a', 'n', now(), 'ru-RU', '', '', '', '{}')")
        connection.execute("INSERT INTO turns VALUES ('a', 1, 'agent', 'x', 0, 1, false, '{}')")
        connection.execute("INSERT INTO tool_calls VALUES ('a', 2, 't', '{}', '{}', false, 0, 1)")
        connection.execute("DELETE FROM calls WHERE call_id = 'a'")
        row = connection.execute("SELECT (SELECT count(*) FROM turns), (SELECT count(*) FROM tool_calls)").fetchone()
    assert row == (0, 0)
