"""What the database does not have yet, on disk: files of records in the order they were taken, each gone once the
database has it. Every method but `pending` and `size` does file I/O: one thread at a time calls them."""

import errno
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import structlog

from callengine.errors import ConfigError
from callengine.metrics import journal_lost_total
from callengine.ports.journal import Entry
from callengine.services.embedded import claimed_folder
from callengine.services.spool_entries import UnknownEntryError, packed, unpacked
from callengine.services.spool_records import all_records, framed, next_record

# A file is read whole when its turn comes, and read again by the next engine if this one dies meanwhile.
SEGMENT_BYTES = 1 << 20
SUFFIX = ".spool"
DAMAGED = ".damaged"
DEFAULT_MAX_BYTES = 1 << 30

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Segment:
    path: Path
    size: int  # bytes
    left: int  # entries that were not given out yet


class Spool:
    """Files of one node. Entries that `append` has written are given out by `next`, also after kill -9."""

    def __init__(self, folder: Path, *, fsync: bool, max_bytes: int) -> None:
        self.folder = folder
        self._fsync = fsync
        self._max_bytes = max_bytes
        self._segments = deque(_leftover(path) for path in sorted(folder.glob(f"*{SUFFIX}")))
        self._written: int | None = None  # the file descriptor of the last segment, while it is appended to
        self._read: _Reading | None = None  # of the first one
        self.pending = sum(segment.left for segment in self._segments)  # entries not given out yet
        self.size = sum(segment.size for segment in self._segments)  # bytes on disk

    def append(self, entries: Sequence[Entry]) -> None:
        """Keep entries, all of them or none. Raises OSError."""
        data = b"".join(framed(packed(entry)) for entry in entries)
        if self.size + len(data) > self._max_bytes:
            raise OSError(errno.EDQUOT, "SPOOL_MAX_MB is reached", str(self.folder))
        segment = self._last_segment()
        assert self._written is not None
        try:
            _write_all(self._written, data)
            if self._fsync:
                os.fsync(self._written)
        except OSError:
            # No half record is left in the middle of a file; what a failed fsync leaves is nothing to build on.
            with suppress(OSError):
                os.ftruncate(self._written, segment.size)
            self._seal()
            if not segment.size:
                self._segments.pop()
                with suppress(OSError):
                    segment.path.unlink()
            raise
        segment.size += len(data)
        segment.left += len(entries)
        self.size += len(data)
        self.pending += len(entries)
        if segment.size >= SEGMENT_BYTES:
            self._seal()

    def next(self, limit: int) -> list[Entry]:
        """At most `limit` entries, the oldest first; those given out before are in the database now. None are left
        when it is empty. Raises OSError when a file cannot be removed: it is read again at the next start, no more."""
        while self._read is not None or self._segments:
            if self._read is None:
                self._begin()
            assert self._read is not None
            entries = self._read.next(limit)
            if entries:
                self._segments[0].left -= len(entries)
                self.pending -= len(entries)
                return entries
            self._finish(self._read)
        return []

    def close(self) -> None:
        """Let go of the open file."""
        self._seal()

    def _last_segment(self) -> _Segment:
        if self._written is not None:
            return self._segments[-1]
        path = _free_path(self.folder, after=self._segments[-1].path if self._segments else None)
        self._written = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._segments.append(_Segment(path, 0, 0))
        if self._fsync:
            _sync_folder(self.folder)
        return self._segments[-1]

    def _seal(self) -> None:
        if self._written is not None:
            os.close(self._written)
            self._written = None

    def _begin(self) -> None:
        segment = self._segments[0]
        if len(self._segments) == 1:
            self._seal()
        try:
            self._read = _Reading(segment.path.read_bytes())
        except OSError as error:
            log.error("a file of the spool cannot be read", file=str(segment.path), problem=error.strerror)
            self._read = _Reading(b"")
            self._read.damages = 1

    def _finish(self, read: "_Reading") -> None:
        """The first segment is in the database: it goes, or is put aside where not all of it could be read."""
        segment = self._segments.popleft()
        self._read = None
        self.pending -= segment.left
        self.size -= segment.size
        if not read.damages:
            segment.path.unlink()
            return
        journal_lost_total.labels("damaged").inc(read.damages)
        aside = segment.path.with_name(segment.path.name + DAMAGED)
        log.error(
            "a file of the spool is damaged: what is whole was written, the file is kept",
            file=str(aside),
            places=read.damages,
            whole=read.given,
            damaged_bytes=read.skipped,
        )
        segment.path.rename(aside)


class _Reading:
    """One file's records, some at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0
        self.given = self.skipped = 0  # entries; bytes
        self.damages = 0  # places where something is no record, or none that this version knows

    def next(self, limit: int) -> list[Entry]:
        entries: list[Entry] = []
        while len(entries) < limit and self._offset < len(self._data):
            found = next_record(self._data, self._offset)
            end = found.end if found else len(self._data)
            skipped = found.skipped if found else end - self._offset
            if skipped:
                self.damages += 1
                self.skipped += skipped
            if found:
                try:
                    entries.append(unpacked(found.payload))
                except UnknownEntryError:
                    self.damages += 1
                    self.skipped += len(found.payload)
            self._offset = end
        self.given += len(entries)
        return entries


@contextmanager
def open_spool(data_dir: Path, node: str, *, fsync: bool = True, max_bytes: int = DEFAULT_MAX_BYTES) -> Iterator[Spool]:
    """The spool in `data_dir/spool/NODE`, with what an engine before left there, and what engines of other names left
    that run no more (a container's host name is another each time). Blocks for the time it takes to look at that.

    Raises ConfigError when the folder cannot be used, or another engine of this name uses it.
    """
    every = data_dir / "spool"
    folder = every / _folder_name(node)
    with claimed_folder(folder, "DATA_DIR or NODE_NAME"):
        try:
            for other in sorted(path for path in every.iterdir() if path.is_dir() and path != folder):
                _adopt(other, folder)
            spool = Spool(folder, fsync=fsync, max_bytes=max_bytes)
        except OSError as error:
            raise ConfigError("DATA_DIR", f"cannot use {folder}: {error.strerror}") from None
        try:
            yield spool
        finally:
            spool.close()


def _folder_name(node: str) -> str:
    """Any name as one folder's."""
    name = quote(node, safe="") or "node"
    return f"%2E{name[1:]}" if name.startswith(".") else name


def _adopt(other: Path, folder: Path) -> None:
    """Take over the files of a node that is no more. One that runs keeps its own."""
    left = sorted(other.glob(f"*{SUFFIX}"))
    if not left:
        return
    try:
        with claimed_folder(other):
            for path in left:
                target = folder / path.name
                path.rename(_free_path(folder) if target.exists() else target)
    except ConfigError:
        return
    log.info("took over what another node's spool has", node=other.name, files=len(left))


def _leftover(path: Path) -> _Segment:
    try:
        data = path.read_bytes()
    except OSError:  # said when its turn comes
        return _Segment(path, 0, 0)
    return _Segment(path, len(data), sum(1 for _ in all_records(data)))


def _free_path(folder: Path, after: Path | None = None) -> Path:
    """The name of a file that comes after all others: nanoseconds since 1970, one more after a clock was set back."""
    number = time.time_ns()
    if after is not None and after.stem.isdecimal():
        number = max(number, int(after.stem) + 1)
    while (path := folder / f"{number:020d}{SUFFIX}").exists():
        number += 1
    return path


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
