"""`callengine doctor` on a real Asterisk: nothing to say of docker/asterisk as shipped, and each fault by its name."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.asterisk.instance import CONFIG_PASSWORD, CONFIG_USER, Pbx
from tests.asterisk.nodes import Nodes
from tests.asterisk.own_dialplan import own_extension
from tests.engine_process import END_SECONDS, EngineProcess, engine_environment

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

Found = dict[str, list[tuple[str, str]]]  # by check: verdict, and what it says


def doctor(pbx: Pbx, folder: Path, **settings: str) -> Found:
    """What it finds of Asterisk; its exit status says the same."""
    ports = pbx.ports
    given = {
        "AUDIOSOCKET_PORT": str(ports.engine("a")),
        "API_PORT": str(ports.api("a")),
        "ASTERISK_ARI_URL": pbx.http,
        "ASTERISK_ARI_USER": CONFIG_USER,
        "ASTERISK_ARI_PASSWORD": CONFIG_PASSWORD,
        "ASTERISK_AMI_USER": CONFIG_USER,
        "ASTERISK_AMI_PASSWORD": CONFIG_PASSWORD,
    }
    env = engine_environment(folder / "data", **given | settings)
    # what judges this machine is left out: it has other work while tests run
    command = [sys.executable, "-m", "callengine", "doctor", "--json", "--only", "asterisk", "--only", "ports"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=END_SECONDS, check=False)
    shown = json.loads(done.stdout)
    assert done.returncode == (1 if shown["verdict"] == "fail" else 0), done.stderr
    found: Found = {}
    for finding in shown["findings"]:
        found.setdefault(finding["check"], []).append((finding["verdict"], f"{finding['says']}; {finding['mend']}"))
    return found


def failures(found: Found) -> list[tuple[str, str]]:
    return [(check, says) for check, each in found.items() for verdict, says in each if verdict == "fail"]


def knocks(engine: EngineProcess) -> float:
    """How many connections that were no call the engine has counted."""
    metrics = httpx.get(f"http://{engine.api}/metrics", trust_env=False, timeout=END_SECONDS).text
    lines = [line for line in metrics.splitlines() if 'refused_total{reason="knock"}' in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def first_knock(engine: EngineProcess) -> float:
    """The same once there is one: the doctor may be gone before the engine has looked."""
    until = time.monotonic() + END_SECONDS
    while not (counted := knocks(engine)) and time.monotonic() < until:
        time.sleep(0.05)
    return counted


@contextmanager
def one_node(pbx: Pbx) -> Iterator[None]:
    """The dialplan knows node a alone; the fixture puts the other back."""
    pbx.set_globals(CE_ENGINE_2="", CE_API_2="")
    yield


def test_as_shipped_with_an_engine_there_is_nothing_to_mend(pbx: Pbx, nodes: Nodes, tmp_path: Path) -> None:
    with nodes.open("a") as engine, one_node(pbx):
        found = doctor(pbx, tmp_path)
        assert first_knock(engine) == 1, "the try was no call"
        assert not [line for line in engine.log() if line["event"] == "call_opened"]
    # tests/asterisk/layer/calls.conf has these two on purpose
    told = [says.split(":")[0] for check, says in failures(found)]
    assert told == ["inbound,102,2", "inbound,103,1"], failures(found)
    asterisk = {check: each for check, each in found.items() if check.startswith("asterisk")}
    assert set(asterisk) == {
        "asterisk ARI", "asterisk AMI", "asterisk modules", "asterisk version", "asterisk dialplan",
        "asterisk to engine", "asterisk to API",
    }  # fmt: skip
    of_the_place = {"asterisk version", "asterisk dialplan"}
    assert {verdict for check, each in asterisk.items() if check not in of_the_place for verdict, _ in each} == {"ok"}


def test_an_engine_that_is_away(pbx: Pbx, tmp_path: Path) -> None:
    found = doctor(pbx, tmp_path)
    (media, _), (api, _) = found["asterisk to engine"], found["asterisk to API"]
    assert media[0] == api[0] == "fail"
    assert f"nothing listens at 127.0.0.1:{pbx.ports.engine('a')}" in media[1]
    assert f"CURL() gets nothing from http://127.0.0.1:{pbx.ports.api('a')}" in api[1]


def test_another_token(pbx: Pbx, tmp_path: Path) -> None:
    pbx.set_globals(CE_TOKEN="theirs")
    found = doctor(pbx, tmp_path, API_TOKEN="ours")
    assert found["asterisk to API"][0][1].startswith("CE_TOKEN of the dialplan is not API_TOKEN of the engine")
    assert "theirs" not in str(found)


@pytest.mark.parametrize(("kind", "file"), [("ARI", "ari.conf"), ("AMI", "manager.conf")])
def test_a_wrong_password(kind: str, file: str, pbx: Pbx, tmp_path: Path) -> None:
    found = doctor(pbx, tmp_path, **{f"ASTERISK_{kind}_PASSWORD": "wrong"})
    ((verdict, says),) = found[f"asterisk {kind}"]
    assert verdict == "fail"
    assert f"refuses {kind} user" in says
    assert f"a section of {file}" in says


def test_an_address_that_is_no_ari(pbx: Pbx, tmp_path: Path) -> None:
    found = doctor(pbx, tmp_path, ASTERISK_ARI_URL=f"{pbx.http}/somewhere")
    assert "404, which is not ARI" in found["asterisk ARI"][0][1]
    assert "webenabled = yes" in found["asterisk AMI"][0][1]


def test_a_missing_module(pbx: Pbx, tmp_path: Path) -> None:
    pbx.rx("module unload app_audiosocket.so")
    try:
        found = doctor(pbx, tmp_path)
    finally:
        pbx.rx("module load app_audiosocket.so")
    ((verdict, says),) = found["asterisk modules"]
    assert verdict == "fail"
    assert says.startswith("app_audiosocket.so is not running: no call reaches the engine")


def test_a_dialplan_with_mistakes(pbx: Pbx, tmp_path: Path) -> None:
    steps = ("Answer()", "Dial(AudioSocket/@ENGINE@/${CALL_UUID},,g)", "AudioSocket(${CALL_UUID},@ENGINE@)")
    with own_extension(pbx, *steps):
        found = [each for each in doctor(pbx, tmp_path)["asterisk dialplan"] if each[1].startswith("own,")]
    assert [verdict for verdict, _ in found] == ["fail", "warn"]
    assert found[0][1].startswith("own,900,2: Dial(AudioSocket/...) without c()")
    assert found[1][1].startswith("own,900,3: AudioSocket() alone")


@pytest.mark.slow
def test_an_asterisk_that_hangs(pbx: Pbx, tmp_path: Path) -> None:
    os.kill(pbx.pid, signal.SIGSTOP)
    try:
        found = doctor(pbx, tmp_path)
    finally:
        os.kill(pbx.pid, signal.SIGCONT)
    for check in ("asterisk ARI", "asterisk AMI", "asterisk to engine", "asterisk to API"):
        ((verdict, says),) = found[check]
        assert verdict == "fail"
        assert says.startswith("no answer within")
    assert found["ports"][0][0] == "ok", "the other checks are well"
