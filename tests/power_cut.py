"""Embedded servers that end as with a power cut, and what is awaited after it."""

from collections.abc import Callable
from pathlib import Path

import psutil
import trio


def kill_postgres(data_dir: Path) -> None:
    """The server and its sessions, at once."""
    pid = int((data_dir / "postgres" / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
    server = psutil.Process(pid)
    for process in (server, *server.children()):
        process.kill()


async def until(done: Callable[[], bool]) -> None:
    """A guard against hanging; nothing is timed by it."""
    with trio.fail_after(60):
        while not done():
            await trio.sleep(0.01)
