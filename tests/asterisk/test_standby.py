"""docker/asterisk/standby on a real Asterisk: who registers with the provider, and what the playbook brings."""

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asterisk.instance import Pbx, take_slot
from tests.asterisk.packages import Installation
from tests.asterisk.sip import Message, decode
from tests.deploy.programs import command, or_skip
from tests.deploy.test_asterisk_standby import RSYNC, STANDBY

GUARD_SECONDS = 60
pytestmark = [pytest.mark.integration, pytest.mark.asterisk]


@pytest.fixture
def machine(asterisk: Installation, tmp_path: Path) -> Iterator[Pbx]:
    """An Asterisk of this test's own, whose PJSIP includes what role.sh puts there."""
    ports, slot = take_slot()
    with slot:
        pbx = Pbx(asterisk, tmp_path / "pbx", ports)
        pbx.configure()
        with (pbx.folder / "etc/pjsip.conf").open("a") as file:
            file.write("\n#tryinclude local/registrations.conf\n")
        with pbx.running():
            yield pbx


class Provider:
    """A registrar that takes every registration (RFC 3261, section 10.3) and tells for how long each was asked for."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(GUARD_SECONDS)
        self._answers: dict[str, bytes] = {}  # by the request's transaction

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def next_expires(self) -> int:
        """Of the next REGISTER, which is answered with 200. One that came again while nobody looked is no next one."""
        datagram, peer = self._socket.recvfrom(65535)
        request = decode(datagram)
        while (answer := self._answers.get(request.get("Via"))) is not None:
            self._socket.sendto(answer, peer)
            datagram, peer = self._socket.recvfrom(65535)
            request = decode(datagram)
        assert request.method == "REGISTER"
        kept = [(key, value) for key, value in request.headers if key in ("Via", "From", "Call-ID", "CSeq", "Expires")]
        bound = [("Contact", f"{value};expires={request.get('Expires')}") for value in request.get_all("Contact")]
        to = ("To", f"{request.get('To')};tag=provider")
        answer = self._answers[request.get("Via")] = Message("REGISTER", "", 200, "OK", [*kept, to, *bound]).encode()
        self._socket.sendto(answer, peer)
        return int(request.get("Expires"))

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    registrar = Provider()
    yield registrar
    registrar.close()


def take_role(pbx: Pbx, role: str) -> None:
    """What keepalived does."""
    console = shlex.join(pbx.installation.command("-C", str(pbx.folder / "etc/asterisk.conf")))
    own = {"ASTERISK_ETC": str(pbx.folder / "etc"), "ROLE_FILE": str(pbx.folder / "role"), "ASTERISK": console}
    subprocess.run([STANDBY / "role.sh", role], env=os.environ | own, check=True)


def test_only_the_active_machine_registers(machine: Pbx, provider: Provider) -> None:
    uri = f"sip:127.0.0.1:{provider.port}"
    (machine.folder / "etc/registrations.conf").write_text(
        f"[provider]\ntype = registration\ntransport = udp\nserver_uri = {uri}\nclient_uri = {uri}\nexpiration = 600\n"
    )
    take_role(machine, "backup")
    assert "No objects found" in machine.rx("pjsip show registrations")
    take_role(machine, "master")
    assert provider.next_expires() == 600
    take_role(machine, "backup")
    assert provider.next_expires() == 0
    machine.kill()
    machine.start()
    assert "No objects found" in machine.rx("pjsip show registrations")


def test_the_playbook_brings_a_dialplan_that_is_there_at_once(machine: Pbx, tmp_path: Path) -> None:
    active = tmp_path / "active"
    shutil.copytree(machine.folder / "etc", active / "etc")
    (active / "sounds").mkdir()
    with (active / "etc/extensions.conf").open("a") as file:
        file.write("\n[brought]\nexten => 7,1,Hangup()\n")
    (tmp_path / "role").write_text("master")
    sync(machine, active, tmp_path)
    assert "'7' =>" in machine.rx("dialplan show brought")


def sync(pbx: Pbx, active: Path, folder: Path) -> None:
    """The playbook, from a folder to this Asterisk's; fails with Ansible's words."""
    with or_skip("rsync"):
        rsync = command(RSYNC, "rsync")
    (folder / "sounds").mkdir()
    values = {
        "asterisk_etc": str(active / "etc"), "standby_etc": str(pbx.folder / "etc"), "peer": "",
        "asterisk_sounds": str(active / "sounds"), "standby_sounds": str(folder / "sounds"),
        "role_file": str(folder / "role"),
        "asterisk": pbx.installation.command("-C", str(pbx.folder / "etc/asterisk.conf")),
        "rsync": [*rsync, "--archive", "--omit-dir-times", "--delete", "--itemize-changes"],
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable,
    }  # fmt: skip
    (folder / "inventory.ini").write_text("[standby]\nhere\n")
    playbook: list[str | Path] = [
        Path(sys.executable).with_name("ansible-playbook"),
        "-i",
        folder / "inventory.ini",
        STANDBY / "sync.yml",
    ]
    environment = os.environ | {"HOME": str(folder), "LANG": "C.UTF-8"}
    done = subprocess.run(
        [*playbook, "-e", json.dumps(values)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "changed=2 " in done.stdout  # the configuration, and its being read
