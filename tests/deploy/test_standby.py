"""Variant B's standby follows its primary, starts again without a new copy, and takes over when it is promoted."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import trio

from callengine.ports.journal import CallClosed, CallOpened
from callengine.services.bridge import open_bridge
from callengine.services.journal import PostgresJournal, open_journal
from tests.deploy.dialplan import until
from tests.deploy.standby import PASSWORD, Pair, Server, open_pair, open_primary, open_room, open_standby

pytestmark = [pytest.mark.integration, pytest.mark.slow]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENCE_SECONDS = 240  # a guard against hanging; nothing is timed by it


def either(pair: Pair) -> str:
    """The engine's DATABASE_URL, as make-secrets.sh writes it: whichever of the two can be written to."""
    hosts = f"127.0.0.1:{pair.primary.port},127.0.0.1:{pair.standby.port}"
    return f"postgresql://callengine:{PASSWORD}@{hosts}/callengine?target_session_attrs=read-write"


def record(journal: PostgresJournal, call_id: str) -> None:
    journal.record_nowait(CallOpened(call_id, "engine-1", NOON, "ru-RU"))
    journal.record_nowait(CallClosed(call_id, NOON, 60.0, "completed"))


def has(server: Server, call_id: str) -> bool:
    return server.ask(f"SELECT count(*) FROM calls WHERE call_id = '{call_id}' AND closed_at IS NOT NULL") == 1


def follows(pair: Pair) -> bool:
    """The standby is connected to its slot."""
    return pair.primary.ask("SELECT active FROM pg_replication_slots WHERE slot_name = 'replica'") is True


async def test_the_standby_follows_and_takes_over(tmp_path: Path) -> None:
    with trio.fail_after(PATIENCE_SECONDS):
        async with open_pair(tmp_path) as pair, open_bridge() as bridge:
            assert pair.standby.ask("SELECT pg_is_in_recovery()") is True
            await until(lambda: follows(pair))  # what it was copied with may keep it busy for a while
            async with open_journal(either(pair), bridge, None, pair.standby.url) as journal:
                record(journal, "before")
                await until(lambda: has(pair.standby, "before"))
                assert [call.opened.call_id for call in await journal.calls(10)] == ["before"]
                pair.primary_process.kill()
                pair.primary_process.wait()
                assert pair.standby.ask("SELECT pg_promote()") is True
                record(journal, "after")
                await until(lambda: has(pair.standby, "after"))  # the engine finds it by itself
                assert {call.opened.call_id for call in await journal.calls(10)} == {"before", "after"}


async def test_a_standby_that_starts_again_goes_on_where_it_was(tmp_path: Path) -> None:
    with trio.fail_after(PATIENCE_SECONDS), open_room(tmp_path / "standby") as room:
        async with open_primary(tmp_path) as (primary, _), open_bridge() as bridge:
            async with open_standby(primary, room):
                made = (room.folder / "data").stat().st_ino
            async with open_journal(primary.url, bridge) as journal:
                record(journal, "meanwhile")
                await journal.flush()
            async with open_standby(primary, room):
                await until(lambda: has(room, "meanwhile"))
            assert (room.folder / "data").stat().st_ino == made, "no new copy"


async def test_who_has_no_password_gets_no_copy(tmp_path: Path) -> None:
    with trio.fail_after(PATIENCE_SECONDS):
        async with open_primary(tmp_path) as (primary, _):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(f"postgresql://replicator@127.0.0.1:{primary.port}/callengine", passfile="/dev/null")
