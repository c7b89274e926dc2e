"""Embedded PostgreSQL and Valkey: started, kept, found again after every kind of end."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from callengine.errors import ConfigError, ServiceError
from callengine.services import embedded
from callengine.services.embedded_postgres import open_postgres
from callengine.services.embedded_valkey import open_valkey

pytestmark = pytest.mark.integration

OpenServer = Callable[[Path], AbstractAsyncContextManager[str]]
EITHER = pytest.mark.parametrize("open_server", [open_postgres, open_valkey])

# An engine in little: opens both servers, says so, and stays.
ENGINE = """
import sys, trio
from pathlib import Path
from callengine.services.embedded_postgres import open_postgres
from callengine.services.embedded_valkey import open_valkey

async def main():
    data_dir = Path(sys.argv[1])
    async with open_postgres(data_dir) as postgres, open_valkey(data_dir) as valkey:
        print(postgres, valkey, flush=True)
        await trio.to_thread.run_sync(sys.stdin.read)

trio.run(main)
"""


def write_and_read(url: str, value: str = "") -> str:
    """Keep `value` in a server, if given; give what it holds."""
    if url.startswith("unix://"):
        with redis.from_url(url, decode_responses=True) as client:
            if value:
                client.set("kept", value)
            return str(client.get("kept"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
        if value:
            connection.execute("INSERT INTO kept VALUES (%s)", (value,))
        row = connection.execute("SELECT value FROM kept").fetchone()
        return str(row and row[0])


def servers_of(folder: Path) -> list[int]:
    """Processes whose command line names the folder, this one apart."""
    servers = {"postgres", "valkey-server"}
    processes = [process.info for process in psutil.process_iter(["pid", "name", "cmdline"])]
    return [
        info["pid"] for info in processes if info["name"] in servers and str(folder) in " ".join(info["cmdline"] or ())
    ]


def start_bystander() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["sleep", "600"])


def start_engine(data_dir: Path, *before: str) -> "subprocess.Popen[str]":
    command = (*before, sys.executable, "-c", ENGINE, str(data_dir))
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")


@EITHER
async def test_data_is_kept_from_one_start_to_the_next(open_server: OpenServer, tmp_path: Path) -> None:
    async with open_server(tmp_path) as url:
        assert write_and_read(url, "bread") == "bread"
    assert servers_of(tmp_path) == []
    async with open_server(tmp_path) as url:
        assert write_and_read(url) == "bread"


@EITHER
async def test_a_second_engine_on_the_folder_is_told_so(open_server: OpenServer, tmp_path: Path) -> None:
    async with open_server(tmp_path):
        with pytest.raises(ConfigError, match=rf"^DATA_DIR: .* in use by another engine \(process {os.getpid()}\)"):
            async with open_server(tmp_path):
                pass


@EITHER
async def test_a_long_folder_is_no_obstacle(open_server: OpenServer, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120) / "ж ъ"
    deep.mkdir(parents=True)
    async with open_server(deep) as url:
        assert write_and_read(url, "bread") == "bread"


@EITHER
async def test_a_folder_that_is_a_file_is_one_line(open_server: OpenServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"^DATA_DIR: cannot use .*Not a directory$"):
        async with open_server(tmp_path / "file"):
            pass


@pytest.mark.parametrize(("open_server", "variable"), [(open_postgres, "DATABASE_URL"), (open_valkey, "REDIS_URL")])
async def test_a_missing_wheel_names_what_to_do(
    open_server: OpenServer, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=rf"^{variable}: not set.*callengine\[embedded\]"):
        async with open_server(tmp_path):
            pass


@EITHER
async def test_the_pid_of_another_process_is_not_killed(open_server: OpenServer, tmp_path: Path) -> None:
    async with open_server(tmp_path):
        pass
    bystander = start_bystander()
    pid_file = tmp_path / ("postgres/data/postmaster.pid" if open_server is open_postgres else "valkey/pid")
    pid_file.write_text(f"{bystander.pid}\n{pid_file.parent}\n")
    try:
        async with open_server(tmp_path) as url:
            assert write_and_read(url, "bread") == "bread"
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


async def test_the_next_engine_replaces_the_servers_of_a_killed_one(tmp_path: Path) -> None:
    engine = start_engine(tmp_path)
    assert engine.stdout is not None
    postgres, valkey = engine.stdout.readline().split()
    write_and_read(postgres, "bread")
    write_and_read(valkey, "milk")
    engine.kill()
    engine.communicate()
    left = servers_of(tmp_path)
    async with open_postgres(tmp_path) as postgres, open_valkey(tmp_path) as valkey:
        assert write_and_read(postgres) == "bread"
        assert write_and_read(valkey) == "milk"
        assert len(left) >= 2
        assert not set(left) & set(servers_of(tmp_path))
    assert servers_of(tmp_path) == []


async def test_postgres_killed_with_its_sessions_starts_again(tmp_path: Path) -> None:
    async with open_postgres(tmp_path) as url:
        write_and_read(url, "bread")
        session = psycopg.connect(url)
        for pid in servers_of(tmp_path):
            os.kill(pid, signal.SIGKILL)
    async with open_postgres(tmp_path) as url:
        assert write_and_read(url) == "bread"
    session.close()


async def test_an_interrupted_first_start_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    half = tmp_path / "postgres" / "data.unfinished"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("16\n")
    async with open_postgres(tmp_path) as url:
        assert write_and_read(url, "bread") == "bread"


async def test_data_of_another_version_is_one_line(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("15\n")
    with pytest.raises(ConfigError, match=r"^DATA_DIR: .* was made by PostgreSQL 15, this is 16: move it away"):
        async with open_postgres(tmp_path):
            pass


async def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    async with open_postgres(tmp_path):
        pass
    (tmp_path / "postgres" / "data" / "postgresql.conf").write_text("no_such_setting = on\n")
    with pytest.raises(ServiceError, match=r"did not start: .*(no_such_setting|contains errors).*see .*log\)$"):
        async with open_postgres(tmp_path):
            pass


async def test_root_without_setpriv_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ConfigError, match=r"^DATABASE_URL: not set.*setpriv.*run as another user"):
        async with open_postgres(tmp_path):
            pass


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
may_skip = pytest.mark.may_skip  # for lack of rights, not of a server


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that an ordinary user can reach and owns (pytest's are closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix="ordinary-", dir="/tmp"))
    os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    yield folder
    shutil.rmtree(folder)


@may_skip
@as_root
def test_an_ordinary_user_can_and_root_can_go_on_with_the_data(open_to_all: Path) -> None:
    if subprocess.run([*as_nobody(), sys.executable, "-c", "import callengine"], cwd="/", check=False).returncode:
        pytest.skip("this Python is closed to other users")
    for before in (as_nobody(), ()):
        engine = start_engine(open_to_all, *before)
        assert engine.stdout is not None
        words = engine.stdout.readline().split()
        assert len(words) == 2
        assert write_and_read(words[0], "bread") == "bread"
        assert write_and_read(words[1], "milk") == "milk"
        engine.communicate("")
        assert engine.returncode == 0
        assert servers_of(open_to_all) == []


@may_skip
@as_root
async def test_root_can_under_a_folder_that_is_closed_to_others(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    async with open_postgres(closed) as url:
        assert write_and_read(url, "bread") == "bread"
    assert closed.stat().st_mode & 0o777 == 0o700


def as_nobody() -> tuple[str, ...]:
    nobody = pwd.getpwnam("nobody")
    return ("setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--")
