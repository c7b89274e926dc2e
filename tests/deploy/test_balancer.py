"""Two real nodes behind a real HAProxy with the repository's configuration: killed, drained, frozen, cut off, full.

Callers come as the dialplan brings them. Every call is counted: on which node it is, and at the end in the record."""

import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
import trio

from tests.deploy.balancer import Balancer, Ports, free_ports, has_calls, running_balancer, running_node
from tests.deploy.dialplan import Caller, until
from tests.deploy.relay import open_relays
from tests.engine_process import EngineProcess

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CALLERS = 6
PATIENCE_SECONDS = 120
RELAY = "127.0.0.13"
Record = Callable[[str, object], None]


@pytest.fixture
def settings(database_url: str, redis_url: str) -> dict[str, str]:
    """What both nodes share; the Store is one that nobody asks for anything."""
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "STORE_API_URL": "http://127.0.0.1:9/api/v1"}


@contextmanager
def two_nodes(folder: Path, ports: Ports, settings: dict[str, str]) -> Iterator[tuple[EngineProcess, EngineProcess]]:
    with running_node(folder, 1, ports, **settings) as one, running_node(folder, 2, ports, **settings) as two:
        yield one, two


@asynccontextmanager
async def open_callers(balancer: Balancer, count: int = CALLERS) -> AsyncIterator[list[Caller]]:
    """So many callers who hear the agent; they hang up when the block ends."""
    with trio.fail_after(PATIENCE_SECONDS):
        for server in ("engine-1", "engine-2"):
            await balancer.is_state(server, "UP")
        async with open_api(balancer) as api, trio.open_nursery() as nursery:
            callers = await calling(nursery, balancer, api, count)
            yield callers
            nursery.cancel_scope.cancel("all hang up")


@asynccontextmanager
async def open_api(balancer: Balancer) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP through the balancer, a connection for each question, as the dialplan's CURL()."""
    url, afresh = f"http://127.0.0.1:{balancer.ports.api}", httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, limits=afresh, trust_env=False) as api:
        yield api


async def calling(nursery: trio.Nursery, balancer: Balancer, api: httpx.AsyncClient, count: int) -> list[Caller]:
    callers = [Caller() for _ in range(count)]
    for caller in callers:
        nursery.start_soon(caller.call, balancer.ports.audiosocket, api)
    await until(lambda: all(caller.spoke_at for caller in callers))
    return callers


async def all_back(callers: list[Caller]) -> None:
    """Until each is heard again whose line was lost."""
    await until(lambda: all(len(caller.spoke_at) > len(caller.lost_at) for caller in callers))


async def all_recorded(api: httpx.AsyncClient, callers: list[Caller]) -> None:
    """Each call is in the record once, with its end."""
    wanted = {str(caller.call_id) for caller in callers}

    async def closed() -> bool:
        calls = (await api.get("/api/v1/calls", params={"limit": 100})).json()["calls"]
        assert len({call["call_id"] for call in calls}) == len(calls)
        assert {call["call_id"] for call in calls} <= wanted
        return len([call for call in calls if call["closed_at"]]) == len(wanted)

    with trio.fail_after(PATIENCE_SECONDS):
        await until(closed)


async def test_the_calls_of_a_node_that_is_killed_go_on_at_the_other(
    tmp_path: Path, settings: dict[str, str], record_property: Record
) -> None:
    ports = free_ports()
    with two_nodes(tmp_path, ports, settings) as (one, two), running_balancer(tmp_path, ports) as balancer:
        async with open_callers(balancer) as callers:
            await has_calls(one, CALLERS // 2)
            await has_calls(two, CALLERS // 2)
            one.tell(signal.SIGKILL)
            assert await trio.to_thread.run_sync(one.status) == -signal.SIGKILL
            await has_calls(two, CALLERS)
            await all_back(callers)
            lost = [caller for caller in callers if caller.lost_at]
            assert len(lost) == CALLERS // 2
            assert {word for caller in lost for word in caller.words} <= {"retry", ""}
            worst = max(seconds for caller in lost for seconds in caller.away_seconds)
            record_property("figure", f"{worst:8.3f} s  a node killed behind the balancer: the longest away of 3 calls")
        await has_calls(two, 0)
        async with open_api(balancer) as api:
            await all_recorded(api, callers)


async def test_a_node_that_drains_gets_no_new_call_and_keeps_its_own(tmp_path: Path, settings: dict[str, str]) -> None:
    ports = free_ports()
    with two_nodes(tmp_path, ports, settings) as (one, two), running_balancer(tmp_path, ports) as balancer:
        async with open_callers(balancer) as callers:
            await has_calls(one, CALLERS // 2)
            async with httpx.AsyncClient(trust_env=False) as api:
                assert (await api.post(f"http://{one.api}/api/v1/drain")).status_code == 202
            await balancer.is_state("engine-1", "NOLB")
            async with open_api(balancer) as api, trio.open_nursery() as nursery:
                late = await calling(nursery, balancer, api, CALLERS)
                await has_calls(one, CALLERS // 2)
                await has_calls(two, CALLERS // 2 + CALLERS)
                nursery.cancel_scope.cancel("all hang up")
            assert not any(caller.lost_at for caller in (*callers, *late)), "nobody noticed"
        assert await trio.to_thread.run_sync(one.status) == 0
        await balancer.is_state("engine-1", "DOWN")
        async with open_api(balancer) as api:
            await all_recorded(api, [*callers, *late])


async def test_the_calls_of_a_node_that_is_frozen_go_on_at_the_other(
    tmp_path: Path, settings: dict[str, str], record_property: Record
) -> None:
    ports = free_ports()
    with two_nodes(tmp_path, ports, settings) as (one, two), running_balancer(tmp_path, ports) as balancer:
        async with open_callers(balancer) as callers:
            await has_calls(one, CALLERS // 2)
            one.tell(signal.SIGSTOP)
            frozen = trio.current_time()
            await balancer.is_state("engine-1", "DOWN")
            await has_calls(two, CALLERS)
            await all_back(callers)
            lost = [caller for caller in callers if caller.lost_at]
            assert len(lost) == CALLERS // 2
            worst = max(caller.spoke_at[1] for caller in lost) - frozen
            record_property(
                "figure", f"{worst:8.3f} s  a node frozen behind the balancer: until all 3 calls spoke again"
            )
            one.tell(signal.SIGCONT)
            await has_calls(one, 0)
            await balancer.is_state("engine-1", "UP")
            assert all(len(caller.spoke_at) <= 2 for caller in callers), "nobody is thrown about"
        async with open_api(balancer) as api:
            await all_recorded(api, callers)


async def test_the_calls_of_a_node_whose_packets_are_dropped_go_on_at_the_other(
    tmp_path: Path, settings: dict[str, str], record_property: Record
) -> None:
    ports = free_ports()
    with (
        two_nodes(tmp_path, ports, settings) as (one, two),
        running_balancer(tmp_path, ports, ENGINE_1=RELAY) as balancer,
    ):
        async with open_relays(RELAY, one) as relay, open_callers(balancer) as callers:
            await has_calls(one, CALLERS // 2)
            relay.drop()
            cut = trio.current_time()
            await balancer.is_state("engine-1", "DOWN")
            await has_calls(two, CALLERS)
            await all_back(callers)
            lost = [caller for caller in callers if caller.lost_at]
            assert len(lost) == CALLERS // 2
            worst = max(caller.spoke_at[1] for caller in lost) - cut
            record_property(
                "figure", f"{worst:8.3f} s  a node cut off from the balancer: until all 3 calls spoke again"
            )
            await has_calls(one, 0)  # by the epoch in Redis: nothing has told it that its lines are gone
        async with open_api(balancer) as api:
            await all_recorded(api, callers)


async def test_nodes_that_are_full_still_answer_the_dialplan(tmp_path: Path, settings: dict[str, str]) -> None:
    ports = free_ports()
    with two_nodes(tmp_path, ports, settings | {"MAX_CALLS": "1"}), running_balancer(tmp_path, ports) as balancer:
        async with open_callers(balancer, 2), open_api(balancer) as api:
            for server in ("engine-1", "engine-2"):
                await balancer.is_state(server, "NOLB")
            one_more = Caller()
            form = {"caller": "+79031234567"}
            assert (await api.post(f"/api/v1/calls/{one_more.call_id}", data=form)).status_code == 201
            await one_more.call(balancer.ports.audiosocket, api)
            assert one_more.given_up
            assert one_more.spoke_at == []
            assert set(one_more.words) <= {"retry", ""}
            assert "retry" in one_more.words


async def test_the_balancer_says_whose_connection_it_is(tmp_path: Path, settings: dict[str, str]) -> None:
    ports = free_ports()
    on = {"AUDIOSOCKET_PROXY_PROTOCOL": "on"}
    only = {"ALLOWED_PEERS": "127.0.0.1/32"}
    with (
        two_nodes(tmp_path, ports, settings | on | only) as nodes,
        running_balancer(tmp_path, ports, **on) as balancer,
    ):
        async with open_callers(balancer, 2):
            with socket.create_connection(("127.0.0.1", ports.audiosocket), source_address=("127.0.0.77", 0)):
                await until(lambda: "127.0.0.77" in refused_by(nodes))


def refused_by(nodes: tuple[EngineProcess, EngineProcess]) -> set[str]:
    """Peers that were refused for not being in ALLOWED_PEERS."""
    lines = [line for node in nodes for line in node.log() if line["event"] == "connection_refused"]
    return {line["peer"] for line in lines if line["reason"] == "peer"}
