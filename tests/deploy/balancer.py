"""The repository's own haproxy.cfg, unchanged, in front of engines on loopback: 127.0.0.1 is the balancer's address,
and each node has one of its own with the same ports."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import trio

from tests.deploy.dialplan import Caller, until
from tests.deploy.files import ROOT
from tests.deploy.programs import HAPROXY, command, or_skip
from tests.engine_process import EngineProcess, running_engine
from tests.ports import held_ports

HOST = "127.0.0.1"
NODES = ("127.0.0.11", "127.0.0.12")
GUARD_SECONDS = 120  # against hanging; nothing is timed by it
STATUS = re.compile(r'^haproxy_server_status\{proxy="(\w+)",server="([\w-]+)",state="(\w+)"\} 1$', re.MULTILINE)


@dataclass(frozen=True)
class Ports:
    """The same on the balancer and on each node."""

    audiosocket: int
    api: int
    stats: int


@dataclass(frozen=True)
class Balancer:
    """A running HAProxy."""

    ports: Ports
    process: "subprocess.Popen[bytes]"
    log: Path

    async def states(self, proxy: str = "nodes") -> dict[str, str]:
        """UP, DOWN, NOLB (drains or is full), MAINT (nobody has the name): by a server's name."""
        async with httpx.AsyncClient(trust_env=False, timeout=GUARD_SECONDS) as client:
            text = (await client.get(f"http://{HOST}:{self.ports.stats}/metrics")).text
        return {server: state for found, server, state in STATUS.findall(text) if found == proxy}

    async def is_state(self, server: str, state: str) -> None:
        """Wait until a node is in that state for calls."""

        async def reached() -> bool:
            return (await self.states())[server] == state

        await until(reached)


@contextmanager
def open_ports() -> Iterator[Ports]:
    """Ports that nobody else gets on any address of this machine while the block lasts."""
    with held_ports(3, "") as ports:
        yield Ports(*ports)


@contextmanager
def running_balancer(folder: Path, ports: Ports, **variables: str) -> Iterator[Balancer]:
    """HAProxy with the variables of haproxy.cfg; nodes are 1 and 2 of NODES unless ENGINE_1 … say otherwise."""
    with or_skip("HAProxy"):
        haproxy = command(HAPROXY, "haproxy", "sbin")
    env = {f"ENGINE_{n}": host for n, host in enumerate(NODES, 1)} | {
        "BALANCER_HOST": HOST,
        "AUDIOSOCKET_PORT": str(ports.audiosocket),
        "API_PORT": str(ports.api),
        "STATS_PORT": str(ports.stats),
        **variables,
    }
    log = folder / "haproxy.log"
    arguments = [*haproxy, "-db", "-f", str(ROOT / "docker/haproxy/haproxy.cfg")]
    with log.open("w") as output, subprocess.Popen(arguments, env=env, stdout=output, stderr=output) as process:
        try:
            _wait_until_it_serves(process, ports, log)
            yield Balancer(ports, process, log)
        finally:
            process.terminate()


def _wait_until_it_serves(process: "subprocess.Popen[bytes]", ports: Ports, log: Path) -> None:
    while True:
        assert process.poll() is None, log.read_text()
        with suppress(ConnectionRefusedError), socket.create_connection((HOST, ports.stats)):
            return
        time.sleep(0.02)


@contextmanager
def running_node(folder: Path, number: int, ports: Ports, **settings: str) -> Iterator[EngineProcess]:
    """`callengine serve` on the address of node 1 or 2."""
    host, name = NODES[number - 1], f"engine-{number}"
    where = {"AUDIOSOCKET_HOST": host, "AUDIOSOCKET_PORT": str(ports.audiosocket), "API_HOST": host}
    with running_engine(folder / name, NODE_NAME=name, API_PORT=str(ports.api), **where, **settings) as engine:
        yield engine


@dataclass
class Nodes:
    """Two nodes over one record for a whole file of tests, and all who ever called them."""

    folder: Path
    ports: Ports
    settings: Mapping[str, str]
    _held: ExitStack
    callers: list[Caller] = field(default_factory=list)
    _running: dict[int, EngineProcess] = field(default_factory=dict)

    def both(self) -> tuple[EngineProcess, EngineProcess]:
        """Both of them; one that a test has ended is started again, on its own folder."""
        for number in (1, 2):
            node = self._running.get(number)
            if node is None or node.process.poll() is not None:
                running = running_node(self.folder, number, self.ports, **self.settings)
                self._running[number] = self._held.enter_context(running)
        return self._running[1], self._running[2]


@contextmanager
def running_nodes(folder: Path, **settings: str) -> Iterator[Nodes]:
    """Two nodes, from when they are first asked for until the block ends."""
    with open_ports() as ports, ExitStack() as held:
        yield Nodes(folder, ports, settings, held)


async def calls_on(engine: EngineProcess) -> int:
    """How many calls a node has, as it says itself."""
    async with httpx.AsyncClient(trust_env=False, timeout=GUARD_SECONDS) as client:
        text = (await client.get(f"http://{engine.api}/metrics")).text
    found = re.search(r"^callengine_calls_active (\S+)$", text, re.MULTILINE)
    assert found
    return int(float(found[1]))


async def has_calls(engine: EngineProcess, count: int) -> None:
    """Wait until a node has exactly so many calls."""

    async def reached() -> bool:
        return await calls_on(engine) == count

    with trio.fail_after(GUARD_SECONDS):
        await until(reached)
