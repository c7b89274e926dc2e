"""The recordings on disk: `DATA_DIR/recordings/DAY/TIME_CALL_EPOCH.wav`. All of it is file I/O, for a thread.

A file that is being written is called `.wav.part` and is locked, so that another engine of the same DATA_DIR leaves it
alone; one that nobody holds is what a killed engine left. `.wav.upload`, empty, beside a file: it is to go to S3."""

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from callengine.media.audio import RATE
from callengine.ports.journal import RecordingKept
from callengine.recording.wav import FRAME_BYTES, HEADER_BYTES, header, samples_in

PART, UPLOAD = ".part", ".upload"
_NAME = re.compile(r"(?P<time>\d{8}T\d{12})_(?P<call>[^/]+)_(?P<epoch>\d+)\.wav")
_TIME = "%Y%m%dT%H%M%S%f"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where recordings are, and whose they are called in the record."""

    folder: Path
    node: str
    uploads: bool = False  # they go to S3


def file_of(call_id: str, epoch: int, began: datetime) -> str:
    """The path of a call's recording within the folder. `began` in UTC: call time 0."""
    return f"{began:%Y-%m-%d}/{began.strftime(_TIME)}_{call_id}_{epoch}.wav"


def call_of(file: str) -> str:
    """Whose recording a file is; empty where its name is none of ours."""
    found = _NAME.fullmatch(Path(file).name)
    return found["call"] if found else ""


def began_of(file: str) -> datetime | None:
    """When the call of a recording began; None where the name is none of ours."""
    found = _NAME.fullmatch(Path(file).name)
    try:
        return datetime.strptime(found["time"], _TIME).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def finish(place: Place, file: str, samples: int) -> RecordingKept:
    """A recording is whole: from now on it has its own name. Raises OSError."""
    path = place.folder / file
    if place.uploads:
        path.with_name(path.name + UPLOAD).touch(mode=0o600)
    path.with_name(path.name + PART).rename(path)
    began = began_of(file)
    assert began is not None, "a name of ours"
    return RecordingKept(call_of(file), file, place.node, began, samples / RATE)


def mend_leftovers(place: Place) -> list[RecordingKept]:
    """Finish what a killed engine left: the header says what is there. An empty one goes."""
    found = []
    for path in sorted(place.folder.glob(f"*/*.wav{PART}")):
        try:
            if (kept := _mended(place, path)) is not None:
                found.append(kept)
        except OSError as error:
            log.warning("a recording was not mended", file=path.name, problem=error.strerror)
    return found


def to_upload(folder: Path) -> list[str]:
    """The recordings that wait for S3, the oldest first."""
    waiting = sorted(folder.glob(f"*/*.wav{UPLOAD}"))
    return [str(path.relative_to(folder)).removesuffix(UPLOAD) for path in waiting]


def uploaded(folder: Path, file: str, *, keep: bool) -> None:
    """S3 has a recording now; with `keep` it stays here as well. Raises OSError."""
    if not keep:
        (folder / file).unlink(missing_ok=True)
    (folder / (file + UPLOAD)).unlink(missing_ok=True)


def every_file(folder: Path) -> Iterator[str]:
    """The whole recordings, the oldest first."""
    for path in sorted(folder.glob("*/*.wav")):
        if call_of(path.name):
            yield str(path.relative_to(folder))


def delete(folder: Path, file: str) -> None:
    """A recording goes, and its day with the last one. Raises OSError."""
    (folder / (file + UPLOAD)).unlink(missing_ok=True)
    (folder / file).unlink(missing_ok=True)
    with suppress(OSError):  # others are there
        (folder / file).parent.rmdir()


def delete_before(folder: Path, before: datetime) -> int:
    """Recordings that began before a time go; how many."""
    return delete_all(folder, [file for file in every_file(folder) if (began_of(file) or before) < before])


def delete_all(folder: Path, doomed: Sequence[str]) -> int:
    """These recordings go; how many did. One that the disk holds on to is named."""
    gone = 0
    for file in doomed:
        try:
            delete(folder, file)
            gone += 1
        except OSError as error:
            log.warning("a recording could not be deleted", file=file, problem=error.strerror)
    return gone


def _mended(place: Place, path: Path) -> RecordingKept | None:
    with path.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None  # somebody records into it
        if not path.exists():
            return None  # somebody has finished it just now
        samples = samples_in(os.fstat(file.fileno()).st_size)
        name = str(path.relative_to(place.folder)).removesuffix(PART)
        if not samples or not call_of(name):
            path.unlink()
            return None
        file.write(header(samples))
        file.truncate(HEADER_BYTES + samples * FRAME_BYTES)
        return finish(place, name, samples)
