"""The forget list as a file, `DATA_DIR/forget/list.jsonl`: a line an entry, appended and brought to the platter.

The database has the list as well, but a restored database has an old one; the file is no part of it, so what was
forgotten since the copy was made is known. It names nobody: hashes with a salt of this file's own."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from callengine.errors import ConfigError
from callengine.ports.forgetting import Forgotten

SALT_BYTES = 16


class ForgetList:
    """The list under one DATA_DIR. Every method does file I/O and raises ConfigError where that cannot be done."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "forget" / "list.jsonl"

    def salt(self) -> str:
        """The salt of entries to come: that of the last one, or a new one."""
        salts = [entry.salt for entry in self.entries() if entry.salt]
        return salts[-1] if salts else secrets.token_hex(SALT_BYTES)

    def entries(self) -> list[Forgotten]:
        """All of it, the oldest first. A last line that is cut short was never promised to anybody."""
        try:
            text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError("DATA_DIR", f"cannot read the forget list {self.path}: {error}") from None
        found = []
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                found.append(_entry_of(json.loads(line)))
            except (ValueError, TypeError, KeyError):
                if number < len(lines):
                    problem = f"line {number} of the forget list {self.path} cannot be read: mend it, nothing was done"
                    raise ConfigError("DATA_DIR", problem) from None
        return found

    def add(self, entries: Iterable[Forgotten]) -> int:
        """Append the entries that are not there yet; how many those were."""
        try:
            with self._locked() as descriptor:
                known = {entry.identity for entry in self.entries()}
                new = {entry.identity: entry for entry in entries if entry.identity not in known}.values()
                if new:
                    _append(descriptor, "".join(_line_of(entry) for entry in new).encode("ascii"))
                return len(new)
        except OSError as error:
            raise ConfigError("DATA_DIR", f"cannot write the forget list {self.path}: {error.strerror}") from None

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def _append(descriptor: int, data: bytes) -> None:
    text = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    if not text.endswith(b"\n"):
        os.ftruncate(descriptor, text.rfind(b"\n") + 1)  # what a power cut has left of a line
    while data:
        data = data[os.write(descriptor, data) :]
    os.fsync(descriptor)


def _line_of(entry: Forgotten) -> str:
    told = asdict(entry) | {"before": entry.before.isoformat(), "noted_at": entry.noted_at.isoformat()}
    return json.dumps(told) + "\n"


def _entry_of(value: dict[str, Any]) -> Forgotten:
    if value["kind"] not in ("number", "call", "age"):
        raise ValueError("an unknown kind")
    times = [datetime.fromisoformat(value[name]) for name in ("before", "noted_at")]
    return Forgotten(value["kind"], str(value["salt"]), str(value["hash"]), *times)
