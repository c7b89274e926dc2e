"""Variant B's Redis Cluster: the repository's own scripts, and six servers of Debian's on loopback for the image's."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from tests.deploy.files import ROOT
from tests.deploy.programs import REDIS, command, on_path, or_skip
from tests.ports import held_ports

PRODUCTION = ROOT / "docker/production"
PASSWORD = "of-the-nodes"
NODES = 6
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Node:
    """One server; the process is redis-server itself, for the script gives way to it."""

    port: int
    process: "subprocess.Popen[bytes]"

    def replication(self) -> dict[str, Any]:
        """What it says of itself."""
        with closing(redis.Redis(HOST, self.port, password=PASSWORD, decode_responses=True)) as client:
            told: Any = client.info("replication")
            return dict(told)

    def is_primary(self) -> bool:
        """Whether it has slots of its own to write to."""
        return bool(self.replication()["role"] == "master")


@dataclass(frozen=True)
class Six:
    """The nodes, and what their scripts run with."""

    nodes: tuple[Node, ...]
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        """For the engine, as make-secrets.sh writes it: three of the six."""
        three = ",".join(f"{HOST}:{node.port}" for node in self.nodes[:3])
        return f"redis://:{PASSWORD}@{three}/0?cluster=true"

    def make(self) -> "subprocess.CompletedProcess[str]":
        """What the service redis-cluster does."""
        addresses = [f"{HOST}:{node.port}" for node in self.nodes]
        words = ["sh", str(PRODUCTION / "redis-cluster.sh"), *addresses]
        return subprocess.run(words, env=dict(self.environment), capture_output=True, text=True, check=False)


@contextmanager
def running_six(folder: Path) -> Iterator[Six]:
    """Six servers that answer, and are no Cluster yet."""
    with or_skip("Redis"):
        programs = {name: command(REDIS, name) for name in ("redis-server", "redis-cli")}
    (folder / "password").write_text(PASSWORD)
    env = os.environ | {"PATH": on_path(folder / "bin", programs), "REDIS_PASSWORD_FILE": str(folder / "password")}
    with held_ports(2 * NODES) as ports, ExitStack() as servers:
        nodes = []
        for port, bus in zip(ports[:NODES], ports[NODES:], strict=True):
            nodes.append(Node(port, servers.enter_context(_server(folder / str(port), port, bus, env))))
        yield Six(tuple(nodes), env)


@contextmanager
def _server(folder: Path, port: int, bus: int, env: Mapping[str, str]) -> "Iterator[subprocess.Popen[bytes]]":
    folder.mkdir()
    own = {"TMPDIR": str(folder), "REDIS_DIR": str(folder), "REDIS_PORT": str(port)}
    script = ["sh", str(PRODUCTION / "redis-node.sh"), "--bind", HOST, "--cluster-port", str(bus)]
    log = folder / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(script, env={**env, **own}, stdout=output, stderr=output) as process,
    ):
        try:
            while not _answers(port):
                assert process.poll() is None, log.read_text()
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()


def _answers(port: int) -> bool:
    with closing(redis.Redis(HOST, port, password=PASSWORD)) as client:
        try:
            return bool(client.ping())
        except redis.exceptions.ConnectionError:
            time.sleep(0.02)
            return False
