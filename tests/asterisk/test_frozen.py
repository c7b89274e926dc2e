"""A node that is frozen (SIGSTOP): its callers go on at a living one, or reach people in bounded time; no second silence.

The kernel still answers for a frozen engine: connections are taken, and bytes are until buffers are full. So the dialplan
believes no node that does not answer over HTTP (docker/asterisk/dialplan.conf, `first` and `again`)."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
import trio

from tests.asterisk.callers import LOOK_AGAIN_SECONDS, LocalCall, call, record
from tests.asterisk.conftest import Figure
from tests.asterisk.instance import Pbx
from tests.asterisk.nodes import BACK_AGAIN, GREETING, Nodes
from tests.asterisk.phone import Phone, open_phone
from tests.asterisk.telephones import address
from tests.asterisk.test_nodes import turns
from tests.engine_process import EngineProcess

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

API_SECONDS = "2"  # over the shipped 0.5: a living node of a busy machine is to answer
SILENT = "did not take the caller's details"
MINUTES = 300.0
ONE_NODE = {"CE_ENGINE_2": "", "CE_API_2": ""}


@contextmanager
def frozen(engine: EngineProcess) -> Iterator[None]:
    """It stands as long as the block, and then goes on, so that it can end in order."""
    engine.tell(signal.SIGSTOP)
    try:
        yield
    finally:
        engine.tell(signal.SIGCONT)


def steps(caller: LocalCall) -> list[str]:
    """What the dialplan has told, but for registrations that nobody took."""
    return [step for step in caller.told() if SILENT not in step]


def given_to(caller: LocalCall) -> list[str]:
    """The engines that the caller was connected to, by their port."""
    log = caller.pbx.log_since(caller.began)
    return [line.partition(f"{caller.uuid},127.0.0.1:")[2][:5] for line in log.splitlines() if "AudioSocket(" in line]


async def greeted(pbx: Pbx, phone: Phone, extension: str = "100") -> LocalCall:
    """A telephone's call whose greeting is over."""
    caller = LocalCall(pbx, uuid4(), pbx.log_size())
    assert await phone.dial(extension, headers={"X-Call-UUID": str(caller.uuid)})
    assert await phone.agent_silent(0.6)
    return caller


async def until_lost(caller: LocalCall) -> None:
    """Wait until Asterisk has given the frozen node up: by the kernel's buffers that takes seconds or minutes."""
    with trio.fail_after(MINUTES):
        while not steps(caller):
            await trio.sleep(LOOK_AGAIN_SECONDS)


async def test_a_new_caller_is_not_given_to_a_frozen_node(pbx: Pbx, nodes: Nodes) -> None:
    pbx.set_globals(CE_API_SECONDS=API_SECONDS)
    with nodes.open("a") as first, nodes.open("b") as second, frozen(first):
        caller = await call(pbx, TAIL="60")
        assert (await turns(second, caller.uuid, 1)) == [GREETING]
        assert (await record(second, caller.uuid))["node"] == "b"
        assert given_to(caller) == [str(pbx.ports.engine("b"))]
        assert steps(caller) == []


@pytest.mark.parametrize("muted", [True, False], ids=["muted", "heard"])
async def test_a_caller_of_a_node_that_freezes_goes_on_at_a_living_one(
    muted: bool, pbx: Pbx, nodes: Nodes, figure: Figure
) -> None:
    """Asterisk gives a node up after 2 s in which it hears from neither side, or when a write fails."""
    pbx.set_globals(CE_API_SECONDS=API_SECONDS)
    with nodes.open("a") as first, nodes.open("b") as second:
        async with open_phone(address(pbx)) as phone:
            caller = await greeted(pbx, phone)
            phone.mute(on=muted)
            stood = trio.current_time()
            with frozen(first):
                await until_lost(caller)
                figure("a node frozen: until Asterisk gives it up", trio.current_time() - stood)
                assert (await turns(second, caller.uuid, 2))[:2] == [GREETING, BACK_AGAIN]
                figure("a node frozen: until the next one has spoken", trio.current_time() - stood)
            assert phone.state == "up"
        assert given_to(caller) == [str(pbx.ports.engine(node)) for node in "ab"]
    assert steps(caller) == ["node 1 FAILED, outcome retry"]


@pytest.mark.parametrize("muted", [True, False], ids=["muted", "heard"])
async def test_a_caller_of_the_only_node_that_freezes_gets_a_person(
    muted: bool, pbx: Pbx, nodes: Nodes, figure: Figure
) -> None:
    """It is given to the node once, not again for each time that its connection is taken."""
    pbx.set_globals(CE_API_SECONDS=API_SECONDS, CE_QUEUE="people", **ONE_NODE)
    with nodes.open("a") as engine:
        async with open_phone(address(pbx)) as phone:
            caller = await greeted(pbx, phone)
            phone.mute(on=muted)
            stood = trio.current_time()
            with frozen(engine):
                await until_lost(caller)
                lost = trio.current_time()
                await caller.logged("a person answered")
                figure("the only node frozen: until Asterisk gives it up", lost - stood)
                figure("the only node frozen, given up: until a person answers", trio.current_time() - lost)
            assert phone.state == "up"
        assert len(given_to(caller)) == 1
    assert steps(caller) == ["node 1 FAILED, outcome unknown", "fallback"]
