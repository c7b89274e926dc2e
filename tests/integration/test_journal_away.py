"""The record while PostgreSQL is killed, away, wrong or refusing: nothing lost, nothing twice, one line said."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import trio

from callengine.errors import ConfigError, ServiceError
from callengine.metrics import journal_backlog, journal_lost_total
from callengine.ports.journal import CallClosed, CallOpened, Entry, TurnRecorded
from callengine.services import journal as journal_module
from callengine.services import journal_store
from callengine.services.bridge import open_bridge
from callengine.services.embedded_postgres import open_postgres
from callengine.services.journal import PostgresJournal, open_journal
from callengine.services.schema import migrate
from tests.conftest import ExpectErrorLog
from tests.power_cut import kill_postgres, until

pytestmark = pytest.mark.integration

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@asynccontextmanager
async def journal_at(url: str) -> AsyncIterator[PostgresJournal]:
    async with open_bridge() as bridge, open_journal(url, bridge) as journal:
        yield journal


def opened(call_id: str) -> CallOpened:
    return CallOpened(call_id, "node-1", NOON, "ru-RU")


def turn(call_id: str, sequence: int) -> TurnRecorded:
    return TurnRecorded(call_id, sequence, "caller", f"фраза {sequence}", 0.0, 1.0)


def closed(call_id: str) -> CallClosed:
    return CallClosed(call_id, NOON, 60.0, "completed")


def rows(url: str, table: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(f"SELECT call_id FROM {table} ORDER BY call_id").fetchall()


async def test_killed_while_entries_are_recorded_and_started_again(tmp_path: Path) -> None:
    """Three kills in the middle of 400 calls of 7 entries each: the database ends up with each of them, once."""
    calls = [f"call-{number:04}" for number in range(400)]
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(AsyncExitStack())
        url = await server.enter_async_context(open_postgres(tmp_path))
        await migrate(url)
        journal = await stack.enter_async_context(journal_at(url))
        for start in range(0, 400, 100):
            for call_id in calls[start : start + 100]:
                journal.record_nowait(opened(call_id))
                for sequence in range(5):
                    journal.record_nowait(turn(call_id, sequence))
                journal.record_nowait(closed(call_id))
            if start == 300:
                break
            taken = journal.backlog
            with trio.fail_after(60):
                await journal._attempted.wait()
            assert 0 < journal.backlog < taken
            kill_postgres(tmp_path)
            with pytest.raises(ServiceError, match=r"^database .*check DATABASE_URL"):
                await journal.flush()
            assert journal.backlog > 0
            await server.aclose()
            await server.enter_async_context(open_postgres(tmp_path))
        await until(lambda: not journal.backlog)  # an attempt under way may still find it starting
        assert [call_id for (call_id,) in rows(url, "calls")] == calls
        assert rows(url, "turns") == [(call_id,) for call_id in calls for _ in range(5)]
        record = await journal.call(calls[123])
        assert record is not None
        assert record.closed is not None


async def test_an_attempt_whose_answer_was_lost_is_repeated_without_doubling(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = journal_store.write
    times = 0

    async def write_and_lose_the_answer(connection: psycopg.AsyncConnection, entries: Sequence[Entry]) -> None:
        nonlocal times
        times += 1
        await written(connection, entries)
        if times == 1:
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(journal_store, "write", write_and_lose_the_answer)
    async with journal_at(database_url) as journal:
        for entry in (opened("a"), turn("a", 1), closed("a")):
            journal.record_nowait(entry)
        with pytest.raises(ServiceError, match="server closed the connection unexpectedly"):
            await journal.flush()
        await journal.flush()
    assert times >= 2
    assert rows(database_url, "calls") == [("a",)]
    assert rows(database_url, "turns") == [("a",)]


async def test_leaving_writes_what_was_taken(database_url: str) -> None:
    async with journal_at(database_url) as journal:
        journal.record_nowait(opened("a"))
        journal.record_nowait(turn("a", 1))
    assert rows(database_url, "turns") == [("a",)]


async def test_leaving_tries_again_while_there_is_time(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = journal_store.write
    failures = iter(range(2))

    async def write_at_the_third_attempt(connection: psycopg.AsyncConnection, entries: Sequence[Entry]) -> None:
        for _ in failures:
            raise psycopg.OperationalError("the database system is starting up")
        await written(connection, entries)

    monkeypatch.setattr(journal_store, "write", write_at_the_third_attempt)
    async with journal_at(database_url) as journal:
        journal.record_nowait(opened("a"))
    assert rows(database_url, "calls") == [("a",)]


async def test_leaving_by_cancellation_writes_what_was_taken(database_url: str) -> None:
    with trio.CancelScope() as engine:
        async with journal_at(database_url) as journal:
            journal.record_nowait(opened("a"))
            engine.cancel()
            await trio.sleep_forever()
    assert engine.cancelled_caught
    assert rows(database_url, "calls") == [("a",)]


async def test_an_entry_the_database_refuses_is_counted_and_the_rest_is_written(
    database_url: str, expect_error_log: ExpectErrorLog
) -> None:
    before = journal_lost_total.labels("refused")._value.get()
    async with journal_at(database_url) as journal:
        for entry in (turn("unknown", 1), opened("a"), turn("a", 2), closed("unknown"), turn("a", 2**70), closed("a")):
            journal.record_nowait(entry)
        with expect_error_log("refused an entry"), pytest.raises(ServiceError, match="refused 3 entries"):
            await journal.flush()
        record = await journal.call("a")
        assert record is not None
        assert [entry.sequence for entry in record.turns] == [2]
        assert record.closed == closed("a")
    assert journal_lost_total.labels("refused")._value.get() == before + 3


async def test_a_database_without_a_schema_keeps_everything_waiting(empty_database_url: str) -> None:
    async with journal_at(empty_database_url) as journal:
        journal.record_nowait(opened("a"))
        with pytest.raises(ServiceError, match=r"UndefinedTable \(42P01\)"):
            await journal.flush()
        with pytest.raises(ServiceError, match="UndefinedTable"):
            await journal.check()
        assert journal.backlog == 1
        assert journal_backlog._value.get() == 1
        await migrate(empty_database_url)
        await journal.flush()
        assert journal.backlog == 0


async def test_a_full_record_counts_what_it_loses_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, expect_error_log: ExpectErrorLog
) -> None:
    monkeypatch.setattr(journal_module, "MAX_ENTRIES", 3)
    monkeypatch.setattr(journal_module, "CLOSE_SECONDS", 0.1)
    before = journal_lost_total.labels("full")._value.get()
    with expect_error_log("entries not written"):
        async with journal_at("postgresql://nobody@127.0.0.1:1/x") as journal:
            with expect_error_log("the record is full"):
                for number in range(10):
                    journal.record_nowait(opened(str(number)))
            assert journal.backlog == 3
    assert journal_lost_total.labels("full")._value.get() == before + 7


@pytest.mark.parametrize(
    "url",
    ["http://example.org", "localhost", "postgresql://%zz", "postgresql://h:port/x", "postgresql://h/x?no_such=1"],
)
async def test_a_wrong_url_is_one_line_that_quotes_nothing(url: str) -> None:
    async with open_bridge() as bridge:
        with pytest.raises(ConfigError, match=r"^DATABASE_URL: [^\n]*postgresql://[^\n]*$") as caught:
            async with open_journal(url, bridge):
                pass
        assert url not in str(caught.value)
    with pytest.raises(ConfigError, match=r"^DATABASE_URL: "):
        await migrate(url)


async def test_a_refused_port_is_one_line() -> None:
    url = "postgresql://user:secret@127.0.0.1:1/calls"
    line = r"^database user@127\.0\.0\.1/calls: [^\n]*[Cc]onnection refused[^\n]* \(check DATABASE_URL\)$"
    async with journal_at(url) as journal:
        with pytest.raises(ServiceError, match=line):
            await journal.check()
    with pytest.raises(ServiceError, match=line):
        await migrate(url)


async def test_a_wrong_password_is_one_line_without_the_password(tmp_path: Path) -> None:
    async with open_postgres(tmp_path) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE clerk LOGIN PASSWORD 'right'")
            hba = tmp_path / "postgres" / "data" / "pg_hba.conf"
            hba.write_text("local all clerk scram-sha-256\nlocal all all trust\n")
            connection.execute("SELECT pg_reload_conf()")
        wrong = url.replace("postgres@", "clerk:s3same@")
        async with journal_at(wrong) as journal:
            with pytest.raises(ServiceError, match='password authentication failed for user "clerk"') as caught:
                await journal.check()
        assert "\n" not in str(caught.value)
        assert "s3same" not in str(caught.value)
        with pytest.raises(ServiceError, match="password authentication failed"):
            await migrate(wrong)


async def test_a_server_that_never_answers_does_not_hold_the_reader(nursery: trio.Nursery) -> None:
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = listener.socket.getsockname()[1]
    async with journal_at(f"postgresql://user@127.0.0.1:{port}/x?connect_timeout=2") as journal:
        with pytest.raises(ServiceError, match="timeout expired"):
            await journal.check()
    await listener.aclose()
