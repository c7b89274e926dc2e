"""The Asterisk of these tests itself: the fragments load whole, and runs beside each other do not meet."""

from pathlib import Path

import httpx
import pytest

from tests.asterisk.callers import PATIENCE_SECONDS, call
from tests.asterisk.conftest import installation
from tests.asterisk.instance import CONFIG_PASSWORD, CONFIG_USER, Pbx, take_slot
from tests.asterisk.nodes import Nodes
from tests.asterisk.packages import Installation, NoAsteriskError, find_asterisk
from tests.asterisk.test_calls import call_and_order

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]


def test_the_fragments_load_without_a_complaint(pbx: Pbx) -> None:
    starting = pbx.log_file.read_text().partition("Asterisk Ready")[0].splitlines()
    complaints = [line for line in starting if "WARNING" in line or "ERROR" in line]
    assert [line for line in complaints if "No music on hold classes" not in line] == []
    assert CONFIG_USER in pbx.rx("ari show users")
    assert CONFIG_USER in pbx.rx("manager show users")
    assert "PJSIP/operator" in pbx.rx("queue show shop")


def test_prometheus_may_look(pbx: Pbx) -> None:
    answer = httpx.get(f"{pbx.http}/metrics", trust_env=False, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 200
    assert "asterisk_channels_count" in answer.text


async def test_ami_moves_a_caller_to_a_person(pbx: Pbx, nodes: Nodes) -> None:
    with nodes.open("a"):
        caller = await call_and_order(pbx, "hangup", PRE="30")
        await caller.logged("AudioSocket(")
        async with httpx.AsyncClient(base_url=pbx.http, trust_env=False, timeout=PATIENCE_SECONDS) as ami:
            login = {"action": "login", "username": CONFIG_USER, "secret": CONFIG_PASSWORD}
            assert "Authentication accepted" in (await ami.get("/rawman", params=login)).text
            channels = (await ami.get("/rawman", params={"action": "CoreShowChannels"})).text
            (name,) = [
                line.partition(": ")[2]
                for line in channels.splitlines()
                if line.startswith("Channel: ") and ";2" in line
            ]
            place = {"context": "callengine-transfer", "exten": "people", "priority": "1"}
            moved = (await ami.get("/rawman", params={"action": "Redirect", "channel": name, **place})).text
        assert "Redirect successful" in moved
        await caller.logged("a person answered")
    assert caller.told() == []  # no outcome is asked for: AMI has said it all


async def test_it_comes_back_from_a_crash(pbx: Pbx) -> None:
    pbx.kill()
    pbx.renew()
    pbx.set_globals(CE_RETRY_SECONDS="0")
    caller = await call(pbx, TAIL="60")
    await caller.says("over")


def test_two_runs_have_ports_of_their_own() -> None:
    first, lock = take_slot()
    second, other_lock = take_slot()
    with lock, other_lock:
        assert {first.sip, *range(*first.rtp)}.isdisjoint({second.sip, *range(*second.rtp)})


def test_a_root_without_an_asterisk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTERISK_ROOT", "/nowhere")
    with pytest.raises(NoAsteriskError, match=r"/nowhere .* holds no Asterisk"):
        find_asterisk()


def test_another_root_serves_as_well(asterisk: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    root = next(parent for parent in asterisk.program.parents if parent.name not in ("sbin", "usr"))
    monkeypatch.setenv("ASTERISK_ROOT", str(root))
    assert find_asterisk() == installation()


def test_what_was_built_beside_the_system_is_told_where_its_libraries_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sbin/asterisk", "lib/asterisk/modules/app.so", "var/lib/asterisk/moh", "lib/libasteriskssl.so.1"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setenv("ASTERISK_ROOT", str(tmp_path))
    own = ["env", f"LD_LIBRARY_PATH={tmp_path / 'lib'}", str(tmp_path / "sbin/asterisk"), "-V"]
    assert find_asterisk().command("-V") == own
