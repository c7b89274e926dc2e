"""Two machines on one network, of namespaces: each with its own network, processes, /etc, /run and /usr/sbin.

A bridge joins them, as a switch does, so that the power of one can be cut and the other's line stays up. It is where a
caller is, too. Only root can have them so: in a user's namespace keepalived cannot set groups, and runs no script."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

NETWORK = "192.0.2"
SHARED = f"{NETWORK}.10"  # the address that is on one of them
OWN = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
# It ends with its standard input, and so does every machine: their processes are below it.
SWITCH = f"""\
ip link add lan type bridge
ip link set lan up
ip addr add {NETWORK}.1/24 dev lan
echo up
exec cat
"""
# The machine's end of the cable is made in its own network, so that its name there is free; 9 leads back to the switch.
START = f'exec 9</proc/self/ns/net; exec {" ".join(OWN)} sh -euc "$0" "$@"'
# $1 the machine's folder, $2 its port on the switch, $3 the last part of its address; then what it runs.
MACHINE = f"""\
ip link add eth0 address 02:00:00:00:00:$3 type veth peer name "$2" netns /proc/self/fd/9
exec 9<&-
ip link set lo up
ip addr add "{NETWORK}.$3/24" dev eth0
ip link set eth0 up
for place in etc run; do mount --bind "$1/$place" "/$place"; done
mount --bind "$1/sbin" /usr/sbin
shift 3
exec "$@"
"""
ASK = f"echo >/dev/udp/{SHARED}/9; exec ip -json neigh show {SHARED}"
PATH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


class NoNamespacesError(Exception):
    """This machine does not let us have them; the text says why."""


@dataclass(frozen=True)
class Switch:
    """The network between them, and the way into it."""

    process: "subprocess.Popen[str]"

    def inside(self, *command: str) -> list[str]:
        """What runs a command there."""
        within = psutil.Process(self.process.pid).children()[0].pid
        return ["nsenter", "--target", str(within), "--net", "--mount", "--pid", "--", *command]

    def answering(self) -> str:
        """The number of the machine that a caller finds at the shared address; empty for none."""
        asked = subprocess.run(self.inside("bash", "-c", ASK), capture_output=True, text=True, check=False)
        return next((found["lladdr"][-2:] for found in json.loads(asked.stdout or "[]") if "lladdr" in found), "")


@contextmanager
def open_switch() -> Iterator[Switch]:
    """The network, until the block ends. Raises NoNamespacesError."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "nsenter", "ip", "bash"))):
        raise NoNamespacesError("that needs root, util-linux, iproute2 and bash")
    pipe = subprocess.PIPE
    with subprocess.Popen((*OWN, "sh", "-euc", SWITCH), stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        if process.stdout.readline() != "up\n":
            raise NoNamespacesError(process.stderr.read().strip())
        yield Switch(process)


@dataclass
class Machine:
    """One of them, by the last part of its address; its files are in `folder`/etc, run and sbin."""

    folder: Path
    switch: Switch
    number: str
    starts: int = 0

    def make(self) -> None:
        """Its folders, with what programs look for."""
        for name in ("etc", "run", "sbin"):
            (self.folder / name).mkdir(parents=True)
        for name in ("passwd", "group", "ld.so.cache"):
            shutil.copy(f"/etc/{name}", self.folder / "etc")

    @contextmanager
    def running(self, *command: str) -> Iterator[None]:
        """It has power, and runs this alone; at the end of the block its power is cut."""
        shutil.rmtree(self.folder / "run")  # as at every start of a machine
        (self.folder / "run").mkdir()
        self.starts += 1
        port = f"port{self.number}-{self.starts}"  # the one before goes when the kernel comes to it
        words = self.switch.inside("sh", "-c", START, MACHINE, "sh", str(self.folder), port, self.number, *command)
        with (
            (self.folder / "log").open("ab") as log,
            subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=PATH) as process,
        ):
            try:
                self._plug_in(port, process)
                yield
            finally:
                with suppress(psutil.NoSuchProcess):
                    for unshare in psutil.Process(process.pid).children():
                        unshare.kill()  # all that the machine runs goes with it: --kill-child

    def _plug_in(self, port: str, process: "subprocess.Popen[bytes]") -> None:
        plug = self.switch.inside("ip", "link", "set", port, "master", "lan", "up")
        while subprocess.run(plug, capture_output=True, check=False).returncode != 0:
            assert process.poll() is None, (self.folder / "log").read_text()
