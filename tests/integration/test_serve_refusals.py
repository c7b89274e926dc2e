"""A setting that cannot be used: exit status 2, one line that names it, nothing on stdout, no port opened."""

import os
import resource
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import psycopg
import pytest
import trio

from callengine.caller.phone import open_phone
from tests.engine_process import EngineProcess, failed_start, running_engine
from tests.grpc_bridge import NOBODY_THERE
from tests.messages_api.server import KEY, running_messages_api

pytestmark = pytest.mark.integration

AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
# Found before anything is started.
AT_ONCE = {
    "MAX_CALLS": ({"MAX_CALLS": "x"}, "valid integer"),
    "STT_BACKEND": ({"STT_BACKEND": "parrot"}, "no backend is called 'parrot'; installed are"),
    "STT_FALLBACK": ({"STT_FALLBACK": "parrot"}, "no backend is called 'parrot'; installed are"),
    "TTS_BACKEND": ({"TTS_BACKEND": "parrot"}, "no backend is called 'parrot'; installed are"),
    "DIALOG_BACKEND": ({"DIALOG_BACKEND": "parrot"}, "no backend is called 'parrot'; installed are"),
    "AGENT_FILE": ({"AGENT_FILE": "/no-such-agent.toml"}, "/no-such-agent.toml"),
    "AUDIOSOCKET_HOST": ({"AUDIOSOCKET_HOST": "192.0.2.1"}, "cannot listen on 192.0.2.1"),
    "DATABASE_URL": ({"EMBEDDED": "off"}, "is not set, and EMBEDDED=off"),
    "WHISPER_TOKEN_FILE": ({"WHISPER_TOKEN_FILE": "/etc/passwd"}, "everybody can read"),
    "ASTERISK_ARI_USER": ({"ASTERISK_ARI_URL": "http://127.0.0.1:1"}, "is not set, but ASTERISK_ARI_URL is"),
    "ANTHROPIC_API_KEY": ({"DIALOG_BACKEND": "claude"}, "is not set, and the dialog is Claude's"),
    "GOOGLE_APPLICATION_CREDENTIALS": (
        {"GOOGLE_APPLICATION_CREDENTIALS": "/no-such-key.json", "STT_BACKEND": "google"},
        "cannot read '/no-such-key.json': No such file or directory",
    ),
    "API_TOKEN_FILE": ({"API_TOKEN_FILE": "/no-such-secret"}, "cannot read '/no-such-secret'"),
}


def assert_refused(ended: tuple[int, str, str], variable: str, problem: str) -> None:
    status, stdout, said = ended
    assert (status, stdout) == (2, ""), said
    assert len(said.splitlines()) == 1, said
    assert said.startswith(f"callengine: {variable}: "), said
    assert problem in said


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """An engine that is there already; it must be well after all that the others do."""
    with running_engine(tmp_path_factory.mktemp("first") / "data") as engine:
        yield engine

        async def call() -> None:
            async with open_phone("127.0.0.1", engine.port) as phone:
                assert await phone.agent_speaking()

        trio.run(call)


@pytest.fixture
def state(database_url: str, redis_url: str) -> dict[str, str]:
    """Servers that are there; the Store is not looked at before somebody asks it."""
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "STORE_API_URL": f"http://{NOBODY_THERE}"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A start that was refused, or is about to be, and the folder that it was given."""

    data_dir: Path
    ended: Future[tuple[int, str, str]]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Refusal]:
    """How each of AT_ONCE ended; one engine a core at a time, for a process is mostly its imports."""
    folder = tmp_path_factory.mktemp("never")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return {
            variable: Refusal(folder / variable, pool.submit(failed_start, folder / variable, **settings))
            for variable, (settings, _) in AT_ONCE.items()
        }


@pytest.mark.parametrize("variable", AT_ONCE)
def test_what_is_wrong_by_itself(variable: str, refusals: dict[str, Refusal]) -> None:
    refusal = refusals[variable]
    assert_refused(refusal.ended.result(), variable, AT_ONCE[variable][1])
    assert not refusal.data_dir.exists(), "nothing was started"


@pytest.mark.parametrize("missing", ["REDIS_URL", "STORE_API_URL", "WHISPER_URL"])
def test_embedded_off_wants_every_url(missing: str, state: dict[str, str], tmp_path: Path) -> None:
    given = {"EMBEDDED": "off", "STT_BACKEND": "whisper", "WHISPER_URL": f"grpc://{NOBODY_THERE}", **state, missing: ""}
    assert_refused(failed_start(tmp_path / "data", **given), missing, "is not set, and EMBEDDED=off")


def test_an_agent_file_with_a_typo(tmp_path: Path) -> None:
    with as_file(files("callengine.agents") / "en.toml") as packaged:
        (tmp_path / "shop.toml").write_text(
            f"greting = 'Hello'\n{packaged.read_text(encoding='utf-8')}", encoding="utf-8"
        )
    refusal = failed_start(tmp_path / "data", AGENT_FILE=str(tmp_path / "shop.toml"))
    assert_refused(refusal, "AGENT_FILE", f"{tmp_path}/shop.toml:1: greting")
    assert not (tmp_path / "data").exists(), "nothing was started"


@pytest.mark.parametrize("kind", ["audiosocket", "api"])
def test_a_port_that_another_engine_has(kind: str, engine: EngineProcess, tmp_path: Path) -> None:
    port = getattr(engine, kind).rpartition(":")[2]
    variable = f"{kind.upper()}_PORT"
    refusal = failed_start(tmp_path / "data", **{variable: port})
    assert_refused(refusal, variable, f"cannot listen on 127.0.0.1:{port}: Address already in use (another engine?)")
    assert not (tmp_path / "data").exists(), "nothing was started"


def test_a_folder_that_another_engine_has(engine: EngineProcess) -> None:
    folder = Path(next(str(line["folder"]) for line in engine.log() if "folder" in line)).parent
    problem = f"is in use by another engine (process {engine.process.pid})"
    assert_refused(failed_start(folder), "DATA_DIR", problem)


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_refused(failed_start(tmp_path / "file" / "data"), "DATA_DIR", "Not a directory")


@pytest.mark.may_skip
def test_a_folder_closed_to_an_ordinary_user(tmp_path: Path) -> None:
    if os.geteuid() == 0 and not (open_to_nobody(Path(sys.executable)) and shutil.which("setpriv")):
        pytest.skip("this Python is closed to other users")
    become = AS_NOBODY if os.geteuid() == 0 else ()
    folder = Path(tempfile.mkdtemp(prefix="closed-", dir="/tmp"))
    folder.chmod(0o555)
    try:
        refusal = failed_start(folder / "data", *become)
        assert_refused(refusal, "DATA_DIR", f"cannot use {folder}/data/postgres: Permission denied")
    finally:
        folder.rmdir()


def test_real_time_without_the_right_to_it(tmp_path: Path) -> None:
    if resource.getrlimit(resource.RLIMIT_RTPRIO)[0] > 0:
        pytest.skip("anybody may schedule in real time here")
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("setpriv is not installed")
    become = ("setpriv", "--bounding-set=-sys_nice", "--") if os.geteuid() == 0 else ()
    refusal = failed_start(tmp_path / "data", *become, REALTIME="on")
    assert_refused(refusal, "REALTIME", "Operation not permitted")
    assert not (tmp_path / "data").exists()


def open_to_nobody(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://shop:s3cret@localhost/calls", "must begin with postgresql://"),
        ("postgresql://shop:s3cret@localhost:http/calls", "is not a URL like postgresql://"),
    ],
)
def test_a_database_that_cannot_be_one(url: str, problem: str, state: dict[str, str], tmp_path: Path) -> None:
    refusal = failed_start(tmp_path / "data", **{**state, "DATABASE_URL": url})
    assert_refused(refusal, "DATABASE_URL", problem)
    assert "s3cret" not in refusal[2]


def test_a_database_that_does_not_know_us(state: dict[str, str], tmp_path: Path) -> None:
    with psycopg.connect(state["DATABASE_URL"]) as known:
        host = known.info.host
    refusal = failed_start(tmp_path / "data", **{**state, "DATABASE_URL": f"postgresql://stranger@/x?host={host}"})
    assert_refused(refusal, "DATABASE_URL", 'role "stranger" does not exist')


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://:s3cret@localhost/0", "is not a URL like redis://"),
    ],
)
def test_a_redis_that_cannot_be_one(url: str, problem: str, state: dict[str, str], tmp_path: Path) -> None:
    refusal = failed_start(tmp_path / "data", **{**state, "REDIS_URL": url})
    assert_refused(refusal, "REDIS_URL", problem)
    assert "s3cret" not in refusal[2]


def test_a_redis_that_does_not_take_our_password(state: dict[str, str], tmp_path: Path) -> None:
    refusal = failed_start(tmp_path / "data", **{**state, "REDIS_URL": with_password(state["REDIS_URL"], "s3cret")})
    assert_refused(refusal, "REDIS_URL", "(check the name and password in REDIS_URL)")
    assert "s3cret" not in refusal[2]


def with_password(url: str, password: str) -> str:
    """A server that knows no password refuses one."""
    return url.replace("unix://", f"unix://shop:{password}@")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"grpc://{NOBODY_THERE}", f"whisper-server at {NOBODY_THERE}: UNAVAILABLE"),
        ("http://localhost:8443", "must be grpc://host:port or grpcs://host:port"),
    ],
)
def test_a_whisper_server_that_is_not_there(url: str, problem: str, state: dict[str, str], tmp_path: Path) -> None:
    refusal = failed_start(tmp_path / "data", **state, STT_BACKEND="whisper", WHISPER_URL=url)
    assert_refused(refusal, "WHISPER_URL", problem)


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("CLAUDE_MODEL", "claude-1", "has no model 'claude-1' for this key (404 not_found_error)"),
    ],
)
def test_a_claude_that_is_not_there(
    variable: str, value: str, problem: str, state: dict[str, str], tmp_path: Path
) -> None:
    with running_messages_api() as url:
        claude = {"DIALOG_BACKEND": "claude", "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url, variable: value}
        refusal = failed_start(tmp_path / "data", **state, **claude)
    assert_refused(refusal, variable, problem)


def test_two_recognisers_of_which_neither_is_there(state: dict[str, str], tmp_path: Path) -> None:
    both = {"STT_BACKEND": "whisper", "WHISPER_URL": f"grpc://{NOBODY_THERE}"}
    both |= {"STT_FALLBACK": "google", "GOOGLE_STT_ENDPOINT": f"grpc://{NOBODY_THERE}"}
    refusal = failed_start(tmp_path / "data", **state, **both)
    assert_refused(refusal, "WHISPER_URL", f"whisper-server at {NOBODY_THERE}: UNAVAILABLE")
    assert f"; STT_FALLBACK=google is away as well: Google Speech at {NOBODY_THERE}: UNAVAILABLE" in refusal[2]
