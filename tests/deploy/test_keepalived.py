"""keepalived as Debian has it, with docker/asterisk/standby's files, on two machines: the shop's address moves, and the
registrations with it. Asterisk is a script that answers until it is told to be dead."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.debian import unpacked
from tests.deploy.programs import command, or_skip
from tests.deploy.test_asterisk_standby import KEEPALIVED, STANDBY
from tests.deploy.two_machines import Machine, NoNamespacesError, Switch, open_switch

PATIENCE_SECONDS = 120  # a test that waits longer hangs; nothing is timed by it
CONSOLE = "#!/bin/sh\n[ ! -e /run/asterisk-is-dead ]\n"
TRUNK = "[provider]\ntype = registration\n"


@dataclass(frozen=True)
class Pbx:
    """A machine with Asterisk and keepalived."""

    machine: Machine
    keepalived: list[str]
    power: ExitStack

    def on(self) -> None:
        """It starts."""
        look = ("--dont-fork", "--log-console", "--log-detail", "--use-file", "/etc/keepalived/keepalived.conf")
        self.power.enter_context(self.machine.running(*self.keepalived, *look))

    def asterisk(self, *, dead: bool) -> None:
        """It dies, or is back."""
        file = self.machine.folder / "run/asterisk-is-dead"
        if dead:
            file.touch()
        else:
            file.unlink()

    def has_role(self, role: str) -> bool:
        """Whether keepalived has told role.sh so, and it registers with the provider if it is the active one."""
        folder = self.machine.folder
        try:
            said = (folder / "run/callengine-asterisk-role").read_text().strip()
            registers = TRUNK in (folder / "etc/asterisk/local/registrations.conf").read_text()
        except FileNotFoundError:
            return False
        return said == role and registers is (role == "master")


def make_pbx(machine: Machine, keepalived: list[str]) -> Pbx:
    machine.make()
    shutil.copytree(unpacked(KEEPALIVED) / "etc/keepalived", machine.folder / "etc/keepalived")
    config = (STANDBY / "keepalived.conf").read_text()
    if machine.number == "12":  # as the file's first lines say of the second machine
        config = config.replace("192.0.2.11", "?").replace("192.0.2.12", "192.0.2.11").replace("?", "192.0.2.12")
    files = {
        "etc/keepalived/keepalived.conf": config,
        "etc/asterisk/registrations.conf": TRUNK,
        "etc/asterisk/callengine/standby/role.sh": (STANDBY / "role.sh").read_text(),
        "sbin/asterisk": CONSOLE,
    }
    for name, text in files.items():
        path = machine.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if text.startswith("#!") else 0o644)
    assert f"unicast_src_ip 192.0.2.{machine.number}\n" in config
    return Pbx(machine, keepalived, ExitStack())


@pytest.fixture
def switch() -> Iterator[Switch]:
    try:
        with open_switch() as switch:
            yield switch
    except NoNamespacesError as error:
        pytest.skip(f"no network of our own: {error}")


@pytest.fixture
def pair(switch: Switch, tmp_path: Path) -> Iterator[tuple[Pbx, Pbx]]:
    """Two machines that are off."""
    with or_skip("keepalived"):
        keepalived = command(KEEPALIVED, "keepalived", "sbin")
    one, two = (make_pbx(Machine(tmp_path / number, switch, number), keepalived) for number in ("11", "12"))
    with one.power, two.power:
        yield one, two


def until(true: Callable[[], bool], *machines: Pbx) -> None:
    """Look again and again until it is so."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < end, "\n".join((each.machine.folder / "log").read_text() for each in machines)
        time.sleep(0.05)


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.may_skip
def test_the_address_is_where_asterisk_answers(
    pair: tuple[Pbx, Pbx], switch: Switch, record_property: Callable[[str, object], None]
) -> None:
    one, two = pair

    def active(pbx: Pbx, role_of_other: str = "") -> Callable[[], bool]:
        other = two if pbx is one else one
        return lambda: (
            pbx.has_role("master")
            and (not role_of_other or other.has_role(role_of_other))
            and switch.answering() == pbx.machine.number
        )

    one.on()
    until(active(one), *pair)
    two.on()
    until(active(one, "backup"), *pair)
    died = time.monotonic()
    one.asterisk(dead=True)
    until(active(two, "fault"), *pair)
    record_property("figure", f"{time.monotonic() - died:8.3f} s  Asterisk's death to the address on the other machine")
    one.asterisk(dead=False)
    until(active(two, "backup"), *pair)  # it does not take the calls away again
    died = time.monotonic()
    two.power.close()
    until(active(one), *pair)
    record_property("figure", f"{time.monotonic() - died:8.3f} s  a machine's death to the address on the other one")
    two.on()
    until(active(one, "backup"), *pair)
