"""Migrations: up, down, twice, at once, after a kill."""

from datetime import UTC, datetime
from importlib.resources import files
from itertools import islice

import psycopg
import pytest
import trio
from structlog.testing import capture_logs

from callengine.errors import AwayError, ServiceError
from callengine.ports.calls_wanted import CallsWanted
from callengine.ports.journal import CallOpened, TurnRecorded
from callengine.services.bridge import open_bridge
from callengine.services.journal import open_journal
from callengine.services.journal_filters import conditions
from callengine.services.journal_rows import NEWEST_CALLS
from callengine.services.schema import NOTHING, migrate, migrate_to, open_schema

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
    assert len(await migrate_to(empty_database_url, NOTHING, down=True)) == STEPS
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


async def test_a_database_one_step_ahead_is_said_and_nothing_is_undone(
    empty_database_url: str,
) -> None:
    """As a node of the older version finds it that is started again while the others are upgraded."""
    await migrate(empty_database_url)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE calls ADD COLUMN mood text")
        connection.execute(
            "INSERT INTO schema_migrations (migration_hash, migration_id, applied_at_utc)"
            " VALUES ('x', '9999.mood', now())"
        )
    with capture_logs() as said:
        async with open_schema(empty_database_url) as ready:
            assert ready
    [line] = said
    assert (line["event"], line["log_level"]) == ("database_ahead", "warning")
    assert "9999.mood" in line["problem"]
    async with open_bridge() as bridge, open_journal(empty_database_url, bridge) as journal:
        journal.record_nowait(CallOpened("a", "n", datetime(2026, 3, 1, tzinfo=UTC), "ru-RU"))
        await journal.flush()
        assert await journal.call("a") is not None


@pytest.mark.parametrize("url", ["postgresql://u@127.0.0.1:1/x", "postgresql://u@no-such-host.invalid/x"])
async def test_a_database_that_is_away_may_be_back_later(url: str) -> None:
    with pytest.raises(AwayError, match=r"^database u@[^\n]* \(check DATABASE_URL\)$"):
        await migrate(url)


async def test_a_database_that_does_not_take_our_name_is_not_away(postgres_url: str) -> None:
    for wrong in (postgres_url.replace("postgres@", "stranger@"), postgres_url.replace("/callengine?", "/no_such?")):
        with pytest.raises(ServiceError, match="does not exist") as caught:
            await migrate(wrong)
        assert not isinstance(caught.value, AwayError)


def has_pgvector(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM pg_extension WHERE extname = 'vector'").fetchone() == (1,)


async def test_pgvector_is_enabled_where_the_server_has_it(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        query = "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"
        assert connection.execute(query).fetchone() == (1,), "the embedded server has it"
    assert not has_pgvector(empty_database_url)
    await migrate(empty_database_url)
    assert has_pgvector(empty_database_url)


async def test_who_may_not_enable_pgvector_is_without_it(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS clerk")
        connection.execute("CREATE ROLE clerk LOGIN")
        connection.execute("GRANT ALL ON SCHEMA public TO clerk")
    assert await migrate(empty_database_url.replace("postgres@", "clerk@")) == STEPS
    assert tables(empty_database_url) == OURS
    assert not has_pgvector(empty_database_url)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY clerk")
        connection.execute("DROP ROLE clerk")
