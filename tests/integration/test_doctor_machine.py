"""The doctor beside this machine: its disk, its ports, its files, its clock."""

import resource
import socket
import tempfile
from pathlib import Path

import pytest
import trio
import trio.testing

from callengine.doctor import ports as ports_module
from callengine.doctor.clock import WAKES, kernel_clock, lateness
from callengine.doctor.disk import look_at_disk, see_folders
from callengine.doctor.ports import look_at_ports
from callengine.doctor.settings import look_at_settings
from tests.engine_process import running_engine
from tests.examined import examined, red, told
from tests.full_disk import largest_file

pytestmark = pytest.mark.integration


async def test_a_folder_that_is_there_and_nothing_stays_in_it(tmp_path: Path) -> None:
    found = await examined(look_at_disk, DATA_DIR=str(tmp_path))
    assert f"free at {tmp_path}" in found[0].says
    assert f"4 KB are safe on {tmp_path} in" in found[-1].says
    assert list(tmp_path.iterdir()) == []


async def test_one_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    found = await examined(look_at_disk, DATA_DIR=str(tmp_path / "a" / "b"))
    assert f"free at {tmp_path} (DATA_DIR will be made in it)" in found[0].says
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk(tmp_path: Path) -> None:
    with largest_file(0):
        [seen] = see_folders(tmp_path)
    assert seen.problem
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["/proc/callengine", "/dev/null"])
async def test_a_folder_that_takes_nothing(folder: str) -> None:
    [line] = red(await examined(look_at_disk, DATA_DIR=folder))
    assert line.startswith("nothing can be written to /")
    assert "DATA_DIR" in line


def test_a_spool_that_takes_nothing_is_told_beside_a_folder_that_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spool").mkdir()
    whole = tempfile.TemporaryFile

    def refused(**options: object) -> object:
        if options["dir"] == tmp_path / "spool":
            raise PermissionError(13, "Permission denied")
        return whole(**options)  # type: ignore[call-overload]

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    assert [(seen.folder, seen.problem) for seen in see_folders(tmp_path)] == [
        (str(tmp_path), ""),
        (str(tmp_path / "spool"), "Permission denied"),
    ]


async def test_ports_that_are_free_an_engine_s_or_another_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_engine(tmp_path / "data") as engine, monkeypatch.context() as patient:
        patient.setattr(ports_module, "ANSWER_SECONDS", 60.0)
        ports = {"AUDIOSOCKET_HOST": "127.0.0.1", "AUDIOSOCKET_PORT": str(engine.port)}
        beside = await examined(look_at_ports, ports, API_PORT=engine.api.rpartition(":")[2])
        assert [verdict for verdict, _ in told(beside)[:2]] == ["ok", "ok"]
        assert "an engine is serving (0 of 200 calls up)" in beside[0].says
    before = await examined(look_at_ports, AUDIOSOCKET_PORT="0", API_PORT="0")
    assert all("is free" in finding.says for finding in before[:2])
    with socket.create_server(("127.0.0.1", 0)) as other:  # it accepts, and says nothing
        port = str(other.getsockname()[1])
        [line] = red(await examined(look_at_ports, AUDIOSOCKET_PORT="0", API_PORT=port))
    assert f"API_PORT: cannot listen on 127.0.0.1:{port}" in line
    assert f"ss -ltnp 'sport = :{port}'" in line


async def test_too_few_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, soft), hard))
    try:
        found = await examined(look_at_ports, AUDIOSOCKET_PORT="0", API_PORT="0", MAX_CALLS="1000")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert found[-1].verdict == "fail"
    assert "MAX_CALLS=1000 wants 2200" in found[-1].says


async def test_secrets_files_and_an_agent_with_a_typo(tmp_path: Path) -> None:
    token, agent = tmp_path / "token", tmp_path / "my.toml"
    token.write_text("s3cret")
    token.chmod(0o662)
    agent.write_text('greting = "Hello"\n')
    found = await examined(look_at_settings, API_TOKEN_FILE=str(token), AGENT_FILE=str(agent), API_HOST="0.0.0.0")
    lines = red(found)
    assert any(line.startswith("AGENT_FILE: ") for line in lines)
    assert any(f"everybody on this machine can change {token} (mode 0662); chmod 640 {token}" in line for line in lines)
    assert "s3cret" not in str(found)


def test_the_kernel_is_asked_for_its_clock() -> None:
    synchronised, error_seconds = kernel_clock()
    assert synchronised is None or error_seconds >= 0


async def test_the_timer_s_schedule_is_not_moved_by_being_late(autojump_clock: trio.testing.MockClock) -> None:
    began = trio.current_time()
    late = await lateness(trio.current_time)
    assert trio.current_time() - began == pytest.approx(WAKES * 0.020)
    assert max(late) < 1e-6
