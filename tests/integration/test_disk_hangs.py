"""A disk that is full, or answers nothing any more: the record stays in memory, calls and their clock go on, and in the
end all of it is in the database, once."""

import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import trio

from callengine.metrics import journal_lost_total
from callengine.ports.journal import Entry
from callengine.services import journal as journal_module
from callengine.services import journal_spooling
from callengine.services.bridge import open_bridge
from callengine.services.journal import PostgresJournal, open_journal
from callengine.services.schema import migrate
from callengine.services.spool import Spool, open_spool
from tests.conftest import ExpectErrorLog
from tests.integration.test_bad_input import open_witness
from tests.integration.test_journal_spool import assert_all_there, record_calls, spooled
from tests.media_engine import open_media_engine
from tests.power_cut import until

pytestmark = pytest.mark.integration

CALLS = 10
SAID = "cannot be kept on disk"


class Disk:
    """What stands between the spool and its disk: fsync comes back only while it answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.answers = threading.Event()
        self.answers.set()
        self.asked = 0

    def fsync(self, _descriptor: int) -> None:
        self.asked += 1
        self.answers.wait()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """No answer until the block is left. Outside of it a busy machine's disk is given all the time it wants."""
        self.answers.clear()
        with self.monkeypatch.context() as patch:
            patch.setattr(journal_spooling, "HANGS_SECONDS", 0.2)
            try:
                yield
            finally:
                self.answers.set()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The spool's disk; everything is put there at once."""
    disk = Disk(monkeypatch)
    monkeypatch.setattr(os, "fsync", disk.fsync)
    monkeypatch.setattr(journal_module, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr(journal_module, "KEEP_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(journal_spooling, "HANGS_SECONDS", 600.0)
    return disk


@asynccontextmanager
async def journal_with(spool: Spool, url: str) -> AsyncIterator[PostgresJournal]:
    async with open_bridge() as bridge, open_journal(url, bridge, spool) as journal:
        yield journal


async def test_the_database_has_it_though_the_disk_hangs(
    database_url: str, tmp_path: Path, disk: Disk, expect_error_log: ExpectErrorLog
) -> None:
    with open_spool(tmp_path, "node-1") as spool:
        async with journal_with(spool, database_url) as journal:
            with disk.hanging():
                with expect_error_log(SAID):
                    record_calls(journal, 0, CALLS)
                    await until(lambda: journal.spool_failed)
                assert disk.asked
                record_calls(journal, CALLS, 2 * CALLS)
                await journal.flush()
                assert_all_there(database_url, 2 * CALLS)
            record_calls(journal, 2 * CALLS, 3 * CALLS)
            await until(lambda: not journal.backlog)
            assert_all_there(database_url, 3 * CALLS)  # what the disk had begun to keep is written again: not twice
    assert spooled(tmp_path) == []


async def test_while_both_are_away_all_is_in_memory_and_the_spool_says_so(
    empty_database_url: str, tmp_path: Path, disk: Disk, expect_error_log: ExpectErrorLog
) -> None:
    lost = journal_lost_total.labels("full")._value.get()
    with open_spool(tmp_path, "node-1") as spool:
        async with journal_with(spool, empty_database_url) as journal:
            with disk.hanging(), expect_error_log(SAID):
                record_calls(journal, 0, CALLS)
                await until(lambda: journal.spool_failed)
                assert journal.backlog >= CALLS
                await migrate(empty_database_url)
                await until(lambda: not journal.backlog and not journal.spool_failed)
                assert_all_there(empty_database_url, CALLS)
    assert journal_lost_total.labels("full")._value.get() == lost


async def test_what_is_on_a_disk_that_hangs_is_not_overtaken(
    empty_database_url: str,
    tmp_path: Path,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
    expect_error_log: ExpectErrorLog,
) -> None:
    """Turns before their call would be refused for good."""
    refused = journal_lost_total.labels("refused")._value.get()
    with open_spool(tmp_path, "node-1") as spool:
        async with journal_with(spool, empty_database_url) as journal:
            record_calls(journal, 0, CALLS)
            await until(lambda: not journal._entries)
            read = spool.next

            def hang(limit: int) -> list[Entry]:
                disk.fsync(0)
                return read(limit)

            monkeypatch.setattr(spool, "next", hang)
            with disk.hanging(), expect_error_log(SAID):
                await migrate(empty_database_url)
                await until(lambda: journal.spool_failed)
                record_calls(journal, CALLS, 2 * CALLS)
                with trio.move_on_after(1):
                    await until(lambda: not journal.backlog)
                assert journal.backlog
            await until(lambda: not journal.backlog)
            assert_all_there(empty_database_url, 2 * CALLS)
    assert journal_lost_total.labels("refused")._value.get() == refused


async def test_an_engine_can_end_though_its_disk_hangs(
    empty_database_url: str,
    tmp_path: Path,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
    expect_error_log: ExpectErrorLog,
) -> None:
    monkeypatch.setattr(journal_module, "CLOSE_SECONDS", 0.5)
    said = expect_error_log("ends with entries not written")
    with open_spool(tmp_path, "node-1") as spool, disk.hanging(), expect_error_log(SAID), said, trio.fail_after(60):
        async with journal_with(spool, empty_database_url) as journal:
            record_calls(journal, 0, CALLS)


@pytest.mark.parametrize("fault", ["full", "hangs"])
async def test_a_call_hears_nothing_of_it(
    fault: str, empty_database_url: str, tmp_path: Path, disk: Disk, expect_error_log: ExpectErrorLog
) -> None:
    """With the database away as well: no frame is missing or comes twice, and the next caller is answered too."""
    with open_spool(tmp_path, "node-1", max_bytes=1 if fault == "full" else 1 << 20) as spool:
        async with journal_with(spool, empty_database_url) as journal:
            with disk.hanging(), expect_error_log(SAID):
                async with open_media_engine(journal) as engine, open_witness(engine) as witness:
                    await until(lambda: journal.spool_failed)
                    async with open_witness(engine):
                        await witness.hear(50)
                assert journal.backlog
            await migrate(empty_database_url)
            await until(lambda: not journal.backlog)
            assert len(await journal.calls(10)) == 2
