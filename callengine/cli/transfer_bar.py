"""Bytes that go by, on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from callengine.backup.programs import Tell


@contextmanager
def transfer_bar(what: str, total: int | None = None) -> Iterator[Tell]:
    """A line on stderr while the block runs, where that is a terminal; gives what it is told the bytes so far by."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda size: bar.update(task, completed=size)
