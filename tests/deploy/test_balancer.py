"""Two real nodes behind a real HAProxy with the repository's configuration: killed, drained, frozen, cut off, full.

Callers come as the dialplan brings them. Every call is counted: on which node it is, and at the end in the record. The
nodes are the same for all tests here, for a start takes longer than what is tested; HAProxy is each test's own."""

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import redis
import trio

from tests.deploy.balancer import Balancer, Nodes, has_calls, running_balancer, running_nodes
from tests.deploy.dialplan import PATIENT_SECONDS, Caller, calling, open_api, until
from tests.deploy.relay import open_relays
from tests.engine_process import EngineProcess
from tests.state_servers import made_database

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CALLERS = 6
LATE = 2  # who call while a node drains
MAX_CALLS = CALLERS + 1
PATIENCE_SECONDS = 240  # a guard against hanging; nothing is timed by it
RELAY = "127.0.0.13"
Record = Callable[[str, object], None]
Pair = tuple[EngineProcess, EngineProcess]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory, postgres_url: str, valkey_url: str) -> Iterator[Nodes]:
    """The two nodes; their Store is one that nobody asks for anything."""
    with redis.from_url(valkey_url) as client:
        client.flushall()
    with made_database(postgres_url, template="callengine") as database_url:
        settings = {"DATABASE_URL": database_url, "REDIS_URL": valkey_url, "STORE_API_URL": "http://127.0.0.1:9/api/v1"}
        with running_nodes(tmp_path_factory.mktemp("nodes"), MAX_CALLS=str(MAX_CALLS), **settings) as nodes:
            yield nodes


@pytest.fixture
def pair(nodes: Nodes) -> Pair:
    """Both, whatever the test before has done to them."""
    return nodes.both()


@asynccontextmanager
async def open_callers(nodes: Nodes, balancer: Balancer, count: int = CALLERS) -> AsyncIterator[list[Caller]]:
    """So many callers who hear the agent, each node with half of them; they hang up when the block ends."""
    one, two = nodes.both()
    with trio.fail_after(PATIENCE_SECONDS):
        for server, node in (("engine-1", one), ("engine-2", two)):
            await balancer.is_state(server, "UP")
            await has_calls(node, 0)
        async with open_api(balancer.ports.api) as api, trio.open_nursery() as nursery:
            callers = await calling(nursery, balancer.ports.audiosocket, api, count)
            nodes.callers.extend(callers)
            await has_calls(one, count // 2)
            await has_calls(two, count // 2)
            yield callers
            nursery.cancel_scope.cancel("all hang up")


async def all_back(callers: list[Caller]) -> list[Caller]:
    """Until each is heard again whose line was lost; these."""
    await until(lambda: all(len(caller.spoke_at) > len(caller.lost_at) for caller in callers))
    return [caller for caller in callers if caller.lost_at]


async def all_recorded(nodes: Nodes) -> None:
    """Each call that there ever was is in the record once, with its end, and no other."""
    wanted = {str(caller.call_id) for caller in nodes.callers}

    async def closed(api: httpx.AsyncClient) -> bool:
        calls = (await api.get("/api/v1/calls", params={"limit": 100})).json()["calls"]
        assert len({call["call_id"] for call in calls}) == len(calls)
        assert {call["call_id"] for call in calls} <= wanted
        return len([call for call in calls if call["closed_at"]]) == len(wanted)

    with trio.fail_after(PATIENCE_SECONDS):
        async with open_api(nodes.ports.api) as api:
            await until(lambda: closed(api))


async def test_the_calls_of_a_node_that_is_frozen_go_on_at_the_other(
    tmp_path: Path, nodes: Nodes, pair: Pair, record_property: Record
) -> None:
    one, two = pair
    with running_balancer(tmp_path, nodes.ports) as balancer:
        async with open_callers(nodes, balancer) as callers:
            one.tell(signal.SIGSTOP)
            try:
                frozen = trio.current_time()
                await balancer.is_state("engine-1", "DOWN")
                await has_calls(two, CALLERS)
                lost = await all_back(callers)
            finally:
                one.tell(signal.SIGCONT)
            assert len(lost) == CALLERS // 2
            worst = max(caller.spoke_at[1] for caller in lost) - frozen
            record_property(
                "figure", f"{worst:8.3f} s  a node frozen behind the balancer: until all 3 calls spoke again"
            )
            await has_calls(one, 0)
            await balancer.is_state("engine-1", "UP")
            assert all(len(caller.spoke_at) <= 2 for caller in callers), "nobody is thrown about"
        await all_recorded(nodes)


async def test_the_calls_of_a_node_whose_packets_are_dropped_go_on_at_the_other(
    tmp_path: Path, nodes: Nodes, pair: Pair, record_property: Record
) -> None:
    one, two = pair
    with running_balancer(tmp_path, nodes.ports, ENGINE_1=RELAY) as balancer:
        async with open_relays(RELAY, one) as relay, open_callers(nodes, balancer) as callers:
            relay.drop()
            cut = trio.current_time()
            await balancer.is_state("engine-1", "DOWN")
            await has_calls(two, CALLERS)
            lost = await all_back(callers)
            assert len(lost) == CALLERS // 2
            worst = max(caller.spoke_at[1] for caller in lost) - cut
            record_property(
                "figure", f"{worst:8.3f} s  a node cut off from the balancer: until all 3 calls spoke again"
            )
            await has_calls(one, 0)  # by the epoch in Redis: nothing has told it that its lines are gone
        await all_recorded(nodes)


async def test_nodes_that_are_full_still_answer_the_dialplan(tmp_path: Path, nodes: Nodes, pair: Pair) -> None:
    with running_balancer(tmp_path, nodes.ports) as balancer:
        async with open_callers(nodes, balancer, len(pair) * MAX_CALLS), open_api(nodes.ports.api) as api:
            for server in ("engine-1", "engine-2"):
                await balancer.is_state(server, "NOLB")
            one_more = Caller(api_seconds=PATIENT_SECONDS)
            form = {"caller": "+79031234567"}
            assert (await api.post(f"/api/v1/calls/{one_more.call_id}", data=form)).status_code == 201
            await one_more.call(nodes.ports.audiosocket, api)
            assert one_more.given_up
            assert one_more.spoke_at == []
            assert set(one_more.words) <= {"retry", ""}
            assert "retry" in one_more.words


async def test_a_node_that_drains_gets_no_new_call_and_keeps_its_own(tmp_path: Path, nodes: Nodes, pair: Pair) -> None:
    one, two = pair
    with running_balancer(tmp_path, nodes.ports) as balancer:
        async with open_callers(nodes, balancer) as callers:
            async with httpx.AsyncClient(trust_env=False, timeout=PATIENT_SECONDS) as api:
                assert (await api.post(f"http://{one.api}/api/v1/drain")).status_code == 202
            await balancer.is_state("engine-1", "NOLB")
            async with open_api(nodes.ports.api) as api, trio.open_nursery() as nursery:
                late = await calling(nursery, nodes.ports.audiosocket, api, LATE)
                nodes.callers.extend(late)
                await has_calls(one, CALLERS // 2)
                await has_calls(two, CALLERS // 2 + LATE)
                nursery.cancel_scope.cancel("all hang up")
            assert not any(caller.lost_at for caller in (*callers, *late)), "nobody noticed"
        assert await trio.to_thread.run_sync(one.status) == 0
        await balancer.is_state("engine-1", "DOWN")
        await all_recorded(nodes)


async def test_the_calls_of_a_node_that_is_killed_go_on_at_the_other(
    tmp_path: Path, nodes: Nodes, pair: Pair, record_property: Record
) -> None:
    one, two = pair
    with running_balancer(tmp_path, nodes.ports) as balancer:
        async with open_callers(nodes, balancer) as callers:
            one.tell(signal.SIGKILL)
            assert await trio.to_thread.run_sync(one.status) == -signal.SIGKILL
            await has_calls(two, CALLERS)
            lost = await all_back(callers)
            assert len(lost) == CALLERS // 2
            assert {word for caller in lost for word in caller.words} <= {"retry", ""}
            worst = max(seconds for caller in lost for seconds in caller.away_seconds)
            record_property("figure", f"{worst:8.3f} s  a node killed behind the balancer: the longest away of 3 calls")
        await has_calls(two, 0)
        await all_recorded(nodes)
