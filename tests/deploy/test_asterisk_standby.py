"""The standby Asterisk's playbook, run by Ansible on temporary folders with Debian's rsync; role.sh by a shell."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.debian import Closure, unpacked
from tests.deploy.files import ROOT
from tests.deploy.programs import command, or_skip

STANDBY = ROOT / "docker/asterisk/standby"
RSYNC = Closure("rsync", ("rsync",), r"(lib|zlib|rsync)")
KEEPALIVED = Closure("keepalived", ("keepalived",), r"(lib|zlib|keepalived)")
# Stands for `asterisk -rx`: says what a real one says of a dialplan that is there, and writes down what it was asked.
CONSOLE = """#!/bin/sh
echo "$2" >>"$CONSOLE_LOG"
echo "[ Context 'callengine' created by 'pbx_config' ]"
echo "  'answer' =>       1. Set(CE_CALLED=...)"
"""


@dataclass(frozen=True)
class Pair:
    """Two machines in one folder: `active/` and `standby/`, each with etc and sounds."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """For role.sh and Ansible: the tools of this folder first."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        own = {"HOME": str(self.folder), "CONSOLE_LOG": str(self.asked), "LANG": "C.UTF-8"}
        return {**os.environ, **own, "PATH": path, "ROLE_FILE": str(self.folder / "role")}

    @property
    def asked(self) -> Path:
        """What the console was asked, a line a question."""
        return self.folder / "asked"

    def files(self, machine: str) -> dict[str, str]:
        """A machine's files and what is in them."""
        base = self.folder / machine
        return {str(path.relative_to(base)): path.read_text() for path in base.rglob("*") if path.is_file()}

    def sync(self, *options: str) -> str:
        """One run of the playbook; its recap's line."""
        values = {
            "asterisk_etc": "active/etc", "standby_etc": "standby/etc", "asterisk_sounds": "active/sounds",
            "standby_sounds": "standby/sounds", "role_file": "role",
        }  # fmt: skip
        extra = [f"{name}={self.folder / value}" for name, value in values.items()]
        inventory = self.folder / "inventory.ini"
        inventory.write_text(f"[standby]\nhere ansible_connection=local ansible_python_interpreter={sys.executable}\n")
        program = Path(sys.executable).with_name("ansible-playbook")
        arguments = ["-i", str(inventory), "-e", " ".join([*extra, "peer=''"]), str(STANDBY / "sync.yml"), *options]
        done = subprocess.run([program, *arguments], env=self.environment, capture_output=True, text=True, check=False)
        recap = re.search(r"^here\s+: (.+)$", done.stdout, re.MULTILINE)
        assert recap, done.stdout + done.stderr
        return recap[1] if "failed=0" in recap[1] else done.stdout


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """An active machine with a configuration, a standby with an older one and files of its own."""
    with or_skip("rsync"):
        rsync = command(RSYNC, "rsync")
    files = {
        "bin/rsync": f'#!/bin/sh\nexec {shlex.join(rsync)} "$@"\n',
        "bin/asterisk": CONSOLE,
        "role": "master\n",
        "active/etc/asterisk.conf": "[options]\n",
        "active/etc/extensions.conf": "[globals]\n#include callengine/settings.conf\n",
        "active/etc/callengine/settings.conf": "CE_QUEUE = shop\n",
        "active/etc/local/registrations.conf": "[provider]\n",
        "active/sounds/ru/hello.wav": "RIFF",
        "standby/etc/asterisk.conf": "[options]\n",
        "standby/etc/extensions.conf": "[globals]\n",
        "standby/etc/left-over.conf": "; no longer there\n",
        "standby/etc/local/registrations.conf": "; backup\n",
        "standby/sounds/old.wav": "RIFF",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for program in (tmp_path / "bin").iterdir():
        program.chmod(0o755)
    return Pair(tmp_path)


@pytest.mark.integration
def test_a_run_makes_them_equal_and_a_second_one_changes_nothing(pair: Pair) -> None:
    assert "changed=3 " in pair.sync()  # configuration, recordings, the reload
    wanted = pair.files("active") | {"etc/local/registrations.conf": "; backup\n"}
    assert pair.files("standby") == wanted
    assert "changed=0 " in pair.sync()
    assert pair.files("standby") == wanted
    (pair.folder / "active/sounds/ru/hello.wav").write_text("RIFF, longer")
    assert "changed=1 " in pair.sync()  # recordings are read when they are played
    reload, look = "core reload", "dialplan show answer@callengine"
    assert pair.asked.read_text().splitlines() == [reload, look, look, look]


@pytest.mark.integration
def test_a_machine_that_is_not_active_gives_nothing(pair: Pair) -> None:
    before = pair.files("standby")
    (pair.folder / "role").write_text("backup\n")
    assert "changed=0 " in pair.sync()
    assert pair.files("standby") == before
    assert not pair.asked.exists()


@pytest.mark.integration
def test_half_a_configuration_removes_nothing(pair: Pair) -> None:
    before = pair.files("standby")
    (pair.folder / "active/etc/extensions.conf").unlink()
    assert "failed=1" in pair.sync()
    assert pair.files("standby") == before


@pytest.mark.integration
def test_a_dry_run_tells_and_does_nothing(pair: Pair) -> None:
    before = pair.files("standby")
    assert "changed=2 " in pair.sync("--check")
    assert pair.files("standby") == before
    assert not pair.asked.exists()


@pytest.mark.integration
def test_a_standby_that_would_not_answer_is_a_failure(pair: Pair) -> None:
    (pair.folder / "bin/asterisk").write_text("#!/bin/sh\necho \"There is no existence of 'answer@callengine'\"\n")
    assert "failed=1" in pair.sync()


@pytest.mark.integration
def test_a_role_puts_the_registrations_there_or_takes_them_away(pair: Pair) -> None:
    etc = pair.folder / "active/etc"
    (etc / "registrations.conf").write_text("[provider]\ntype = registration\n")
    for role, registers in (("backup", False), ("master", True), ("fault", False)):
        done = subprocess.run(
            [STANDBY / "role.sh", role],
            env=pair.environment | {"ASTERISK_ETC": str(etc)},
            capture_output=True,
            check=True,
        )
        assert not done.stderr
        assert ("type = registration" in (etc / "local/registrations.conf").read_text()) is registers
        assert (pair.folder / "role").read_text() == f"{role}\n"
    assert pair.asked.read_text().count("module reload res_pjsip_outbound_registration.so") == 3


def test_a_role_that_there_is_none_of_changes_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [STANDBY / "role.sh", "chief"], env={"PATH": os.environ["PATH"], "ASTERISK_ETC": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "role.sh: master, backup or fault is wanted, not 'chief'\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.integration
def test_keepalived_takes_its_configuration(tmp_path: Path) -> None:
    """In a mount namespace whose /etc has what keepalived reads there; Asterisk is missing, which it says."""
    with or_skip("keepalived"):
        program = command(KEEPALIVED, "keepalived", "sbin")
        shutil.copytree(unpacked(KEEPALIVED) / "etc/keepalived", tmp_path / "keepalived")
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", tmp_path)
    look = [*program, "--config-test", "--use-file", str(STANDBY / "keepalived.conf")]
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c", 'mount --bind "$0" /etc && exec "$@"', str(tmp_path)]
    done = subprocess.run([*inside, *look], capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).splitlines()
    assert said == ["Disabling track script asterisk_answers since not found/accessible"]
