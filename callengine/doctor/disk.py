"""The folders that the engine writes to, tried: a file of 4 KB is written, made safe, and deleted again."""

import os
import tempfile
import time
from pathlib import Path

import trio

from callengine.doctor.checkup import Patient
from callengine.doctor.disk_rules import DiskNeeds, DiskSeen, judge_disk
from callengine.doctor.findings import FaultError, Finding

TRIES = 5
PIECE = bytes(4096)
FOLDERS = ("spool", "recordings")  # in DATA_DIR; each may be a volume of its own


async def look_at_disk(patient: Patient) -> list[Finding]:
    """DATA_DIR, and what is in it where that is another disk."""
    settings = patient.settings
    leaves = settings.recording_least_free_mb << 20 if settings.recording else None
    needs = DiskNeeds(settings.spool_max_mb << 20, leaves, settings.max_calls)
    # A disk that hangs holds its thread; the doctor goes on without it.
    try:
        seen = await trio.to_thread.run_sync(see_folders, settings.data_dir, abandon_on_cancel=True)
    except OSError as error:  # a folder above it may not even be looked into
        mend = "let the engine's user in (chmod o+x on the folders above), or set another DATA_DIR"
        raise FaultError(f"DATA_DIR {settings.data_dir}: {error.strerror or error}", mend) from None
    return [finding for each in seen for finding in judge_disk(each, needs)]


def see_folders(data_dir: Path) -> list[DiskSeen]:
    """What there is to say of DATA_DIR, or of the nearest folder above it, and of folders in it that are elsewhere or
    cannot be written to."""
    home = data_dir.absolute()
    if home.exists() and not home.is_dir():
        return [DiskSeen(str(home), True, 0, -1, "it is no folder")]
    nearest = next(folder for folder in (home, *home.parents) if folder.is_dir())
    found = [_see(nearest, there=nearest == home)]
    for name in FOLDERS:
        folder = data_dir / name
        if folder.is_dir():
            seen = _see(folder, there=True)
            if seen.problem or folder.stat().st_dev != nearest.stat().st_dev:
                found.append(seen)
    return found


def _see(folder: Path, *, there: bool) -> DiskSeen:
    room = os.statvfs(folder)
    free = room.f_bavail * room.f_frsize
    files_free = room.f_favail if room.f_files else -1  # some file systems do not count them
    try:
        syncs = [_write_one(folder) for _ in range(TRIES)]
    except OSError as error:
        return DiskSeen(str(folder), there, free, files_free, error.strerror or str(error))
    return DiskSeen(str(folder), there, free, files_free, "", syncs)


def _write_one(folder: Path) -> float:
    with tempfile.TemporaryFile(dir=folder, prefix=".callengine-doctor-", buffering=0) as file:
        began = time.perf_counter()
        if file.write(PIECE) != len(PIECE):
            raise OSError(0, "the disk is full")
        os.fsync(file.fileno())
        return time.perf_counter() - began
