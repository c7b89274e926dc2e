"""A node behind HAProxy knows whose connection it is, with AUDIOSOCKET_PROXY_PROTOCOL on for both."""

import socket
from pathlib import Path

import pytest
import trio

from tests.deploy.balancer import open_ports, running_balancer, running_node
from tests.deploy.dialplan import calling, open_api, until
from tests.engine_process import EngineProcess

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PATIENCE_SECONDS = 120  # a guard against hanging; nothing is timed by it
ON = {"AUDIOSOCKET_PROXY_PROTOCOL": "on"}


def refused_by(node: EngineProcess) -> set[str]:
    """Peers that were refused for not being in ALLOWED_PEERS."""
    lines = [line for line in node.log() if line["event"] == "connection_refused"]
    return {line["peer"] for line in lines if line["reason"] == "peer"}


async def test_the_balancer_says_whose_connection_it_is(tmp_path: Path, database_url: str, redis_url: str) -> None:
    settings = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "STORE_API_URL": "http://127.0.0.1:9/api/v1"}
    only = {"ALLOWED_PEERS": "127.0.0.1/32"}
    with (
        open_ports() as ports,
        running_node(tmp_path, 1, ports, **settings, **ON, **only) as node,
        running_balancer(tmp_path, ports, **ON) as balancer,
        trio.fail_after(PATIENCE_SECONDS),
    ):
        await balancer.is_state("engine-1", "UP")
        async with open_api(ports.api) as api, trio.open_nursery() as nursery:
            (caller,) = await calling(nursery, ports.audiosocket, api, 1)
            with socket.create_connection(("127.0.0.1", ports.audiosocket), source_address=("127.0.0.77", 0)):
                await until(lambda: "127.0.0.77" in refused_by(node))
            assert not caller.lost_at
            nursery.cancel_scope.cancel("hangs up")
