"""Forgetting, on real servers: what is personal goes, what is counted stays, and what comes later goes as well."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from callengine.forget import forget, forget_again, preview
from callengine.housekeeping import House, Limits, run_round
from callengine.ports.forgetting import Removed, Target
from callengine.ports.journal import (
    CallbackRequested,
)
from callengine.services.database import connection_options
from callengine.services.forget_list import ForgetList
from callengine.services.journal import open_journal
from callengine.services.spool import DAMAGED, open_spool
from callengine.services.spool_entries import packed
from callengine.services.spool_records import framed
from tests.forgetting import NOBODY, NOW, NUMBER, assert_forgotten, call, house_at, of_number, read, write

pytestmark = pytest.mark.integration


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
