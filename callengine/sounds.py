"""Where the sound of a call is read from: this node's disk, or the bucket."""

from functools import partial
from pathlib import Path

import trio

from callengine.errors import ServiceError
from callengine.ports.journal import RecordingKept
from callengine.ports.sound import Sound
from callengine.recording.files import call_of
from callengine.services.object_store import Bucket


async def open_sound(folder: Path, bucket: Bucket | None, kept: RecordingKept) -> Sound | None:
    """A recording, from `folder` where that has it, else from the bucket. Raises ServiceError."""
    on_thread = partial(trio.to_thread.run_sync, abandon_on_cancel=True)
    path = _path(folder, kept)
    if path is not None and (size := await on_thread(_size, path)) is not None:
        return Sound(size, lambda start, length: on_thread(_read, path, start, length), "disk")
    if bucket is None or not kept.url:
        return None
    there = await on_thread(bucket.size, kept.url)
    read = bucket.read
    return None if there is None else Sound(there, lambda start, length: on_thread(read, kept.url, start, length), "s3")


def _path(folder: Path, kept: RecordingKept) -> Path | None:
    """A file of ours, of this call, in a day's folder; whatever else the record may name is none."""
    parts = Path(kept.file).parts
    is_ours = len(parts) == 2 and parts[0] not in ("/", "..") and call_of(kept.file) == kept.call_id
    return folder.joinpath(*parts) if is_ours else None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ServiceError(f"{path}: {error.strerror} (check DATA_DIR)") from error


def _read(path: Path, start: int, length: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(length)
    except OSError as error:
        raise ServiceError(f"{path}: {error.strerror} (check DATA_DIR)") from error
