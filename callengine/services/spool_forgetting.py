"""Entries on disk that wait for the database, or that never will be there: what of them is to be forgotten.

What waits is cleared when it is written (`clear_written`): an engine that runs owns its files, and a spool is empty
within seconds of the database's return. A file that was put aside as damaged is nobody's and stays: it is written anew
without the entries in question. What in it is no whole record cannot be told apart, and goes."""

import os
from collections.abc import Callable
from pathlib import Path

from callengine.ports.journal import Entry
from callengine.services.spool import DAMAGED, SUFFIX
from callengine.services.spool_entries import UnknownEntryError, unpacked
from callengine.services.spool_records import all_records, framed

IsMeant = Callable[[Entry], bool]


def forget_in_damaged(data_dir: Path, is_meant: IsMeant) -> int:
    """Take the entries that are meant, with all else of their calls, out of every damaged file; how many entries went.

    Raises OSError."""
    return sum(_rewrite(path, is_meant) for path in sorted((data_dir / "spool").glob(f"*/*{SUFFIX}{DAMAGED}")))


def _rewrite(path: Path, is_meant: IsMeant) -> int:
    found = [(payload, _entry_of(payload)) for payload in (record.payload for record in all_records(path.read_bytes()))]
    calls = {entry.call_id for _, entry in found if entry is not None and is_meant(entry)}
    if not calls:
        return 0
    left = [payload for payload, entry in found if entry is not None and entry.call_id not in calls]
    anew = path.with_name(path.name + ".anew")
    with anew.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(b"".join(map(framed, left)))
        file.flush()
        os.fsync(file.fileno())
    anew.replace(path)
    return len(found) - len(left)


def _entry_of(payload: bytes) -> Entry | None:
    try:
        return unpacked(payload)
    except UnknownEntryError:
        return None
