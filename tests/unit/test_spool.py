"""The spool's files: in order, gone when they are done with, whole or put aside, one engine's each."""

import errno
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from callengine.errors import ConfigError
from callengine.metrics import journal_lost_total
from callengine.ports.journal import CallOpened, Entry, TurnRecorded
from callengine.services import spool as spool_module
from callengine.services.spool import Spool, open_spool
from callengine.services.spool_entries import packed
from callengine.services.spool_records import framed
from tests.conftest import ExpectErrorLog
from tests.full_disk import largest_file

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def turns(*numbers: int) -> list[Entry]:
    return [TurnRecorded("a", number, "caller", f"фраза {number}", 0.0, 1.0) for number in numbers]


def drained(spool: Spool, limit: int = 50) -> list[Entry]:
    """All entries, taken as a writer does."""
    found: list[Entry] = []
    while batch := spool.next(limit):
        assert len(batch) <= limit
        found += batch
    return found


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != "lock")


@pytest.mark.parametrize("fsync", [True, False])
def test_entries_come_out_in_the_order_they_went_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fsync: bool
) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 400)
    with open_spool(tmp_path, "n", fsync=fsync) as spool:
        for start in range(0, 30, 3):
            spool.append(turns(*range(start, start + 3)))
        assert spool.pending == 30
        assert len(files(tmp_path)) > 3
        assert spool.next(4) == turns(0, 1, 2)  # a batch is of one file
        spool.append(turns(30))
        assert drained(spool, 2) == turns(*range(3, 31))
        assert (spool.pending, spool.size, files(tmp_path)) == (0, 0, [])
        spool.append(turns(31))
        assert drained(spool) == turns(31)


def test_what_was_not_done_with_comes_again_in_the_next_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 200)
    with open_spool(tmp_path, "n") as spool:
        for number in range(6):
            spool.append(turns(number))
        first = spool.next(50)
        second = spool.next(1)
        assert (first, second) == (turns(0, 1), turns(2))
    with open_spool(tmp_path, "n") as spool:
        assert spool.pending == 4
        spool.append(turns(6))
        assert drained(spool) == turns(2, 3, 4, 5, 6)


def cut_in_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]


def with_a_newer_record(data: bytes) -> bytes:
    return framed(b'[2,"turn",{}]') + data


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        (cut_in_half, turns(1, 2)),
        (flipped, turns(1, 2, 4, 5)),
        (with_a_newer_record, turns(1, 2, 3, 4, 5)),
        (lambda data: b"rubbish" + data, turns(1, 2, 3, 4, 5)),
        (lambda data: bytes(len(data)), []),
    ],
    ids=["cut", "flipped", "newer", "rubbish", "zeros"],
)
def test_a_damaged_file_gives_what_is_whole_and_is_kept_aside(
    tmp_path: Path, damage: Callable[[bytes], bytes], left: list[Entry], expect_error_log: ExpectErrorLog
) -> None:
    before = journal_lost_total.labels("damaged")._value.get()
    with open_spool(tmp_path, "n") as spool:
        spool.append(turns(1, 2, 3, 4, 5))
    (name,) = files(tmp_path)
    file = tmp_path / "spool" / "n" / name
    damaged = damage(file.read_bytes())
    file.write_bytes(damaged)
    with open_spool(tmp_path, "n") as spool:
        spool.append(turns(6))
        with expect_error_log("a file of the spool is damaged"):
            assert drained(spool) == [*left, *turns(6)]
        assert (spool.pending, spool.size) == (0, 0)
    assert files(tmp_path) == [f"{name}.damaged"]
    assert file.with_name(f"{name}.damaged").read_bytes() == damaged
    assert journal_lost_total.labels("damaged")._value.get() == before + 1
    with open_spool(tmp_path, "n") as spool:
        assert drained(spool) == []


def test_a_file_that_cannot_be_read_stops_no_other(tmp_path: Path, expect_error_log: ExpectErrorLog) -> None:
    folder = tmp_path / "spool" / "n"
    folder.mkdir(parents=True)
    (folder / f"{1:020d}.spool").mkdir()
    (folder / f"{2:020d}.spool").write_bytes(b"")
    with open_spool(tmp_path, "n") as spool:
        spool.append(turns(1))
        with expect_error_log("cannot be read"), expect_error_log("is damaged"):
            assert drained(spool) == turns(1)


def test_a_full_disk_takes_all_of_a_batch_or_none(tmp_path: Path) -> None:
    with open_spool(tmp_path, "n") as spool:
        spool.append(turns(1))
        with largest_file(spool.size + 50):
            for _ in range(3):
                with pytest.raises(OSError, match="File too large") as caught:
                    spool.append(turns(2, 3))
                assert caught.value.errno == errno.EFBIG
        assert (spool.pending, len(files(tmp_path))) == (1, 1)
        spool.append(turns(2, 3))
        assert drained(spool) == turns(1, 2, 3)
        assert files(tmp_path) == []


def test_no_more_than_its_bound(tmp_path: Path) -> None:
    room = 2 * len(framed(packed(turns(1)[0])))
    with open_spool(tmp_path, "n", max_bytes=room) as spool:
        spool.append(turns(1, 2))
        with pytest.raises(OSError, match="SPOOL_MAX_MB"):
            spool.append(turns(3))
        assert drained(spool) == turns(1, 2)
        spool.append(turns(3))
        assert drained(spool) == turns(3)


def test_a_file_that_cannot_be_removed_is_done_with_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_spool(tmp_path, "n") as spool:
        spool.append(turns(1))
        assert spool.next(50) == turns(1)

        def refuse(path: Path) -> None:
            raise OSError(errno.EROFS, "Read-only file system", str(path))

        monkeypatch.setattr(Path, "unlink", refuse)
        with pytest.raises(OSError, match="Read-only"):
            spool.next(50)
        monkeypatch.undo()
        assert spool.next(50) == []
    with open_spool(tmp_path, "n") as spool:
        assert drained(spool) == turns(1), "written again, which changes nothing"


def test_the_second_engine_of_a_name_is_refused(tmp_path: Path) -> None:
    line = rf"^DATA_DIR: .*/spool/n is in use by another engine \(process {os.getpid()}\): .* DATA_DIR or NODE_NAME$"
    with open_spool(tmp_path, "n"):
        with pytest.raises(ConfigError, match=line), open_spool(tmp_path, "n"):
            pass
        with open_spool(tmp_path, "another"):
            pass


def test_what_nodes_left_that_are_no_more_is_taken_over_in_order(tmp_path: Path) -> None:
    with open_spool(tmp_path, "ab12") as gone, open_spool(tmp_path, "up") as running:
        gone.append(turns(1))
        running.append(turns(8))
        gone.close()
        gone.append(turns(2))
        with open_spool(tmp_path, "early") as spool:
            assert spool.pending == 0, "both run"
    with open_spool(tmp_path, "up") as running:
        assert drained(running) == turns(1, 8, 2)
    assert files(tmp_path) == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../../x", "узел 1"])
def test_any_name_is_a_folder_inside(tmp_path: Path, name: str) -> None:
    with open_spool(tmp_path, name) as spool:
        spool.append([CallOpened("a", name, NOON, "ru-RU")])
        assert spool.folder.resolve().parent == (tmp_path / "spool").resolve()
        assert oct(spool.folder.stat().st_mode)[-3:] == "700"
        assert [oct(path.stat().st_mode)[-3:] for path in spool.folder.glob("*.spool")] == ["600"]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigError, match=r"^DATA_DIR: cannot use .*Not a directory$"),
        open_spool(tmp_path / "file", "n"),
    ):
        pass


def test_a_clock_that_was_set_back_changes_no_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(1_000_000, -1)
    monkeypatch.setattr(time, "time_ns", lambda: next(clock))
    with open_spool(tmp_path, "n") as spool:
        for number in range(5):
            spool.append(turns(number))
            spool.close()
    with open_spool(tmp_path, "n") as spool:
        assert drained(spool) == turns(0, 1, 2, 3, 4)
