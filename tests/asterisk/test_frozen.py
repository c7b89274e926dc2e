"""A node that is frozen (SIGSTOP): its callers go on at a living one or reach people, without a second silence.

The kernel still answers for a frozen engine: connections are taken, and bytes until buffers are full. So the dialplan
believes no node that does not answer over HTTP (docker/asterisk/dialplan.conf, `first` and `again`)."""

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from uuid import uuid4

import pytest
import trio

from tests.asterisk.callers import LOOK_AGAIN_SECONDS, LocalCall, call, record
from tests.asterisk.conftest import Figure
from tests.asterisk.instance import Pbx
from tests.asterisk.nodes import BACK_AGAIN, GREETING, Nodes
from tests.asterisk.phone import open_phone
from tests.asterisk.telephones import address
from tests.asterisk.test_nodes import turns
from tests.engine_process import EngineProcess

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

API_SECONDS = "5"  # over the shipped 0.5: a living node of a busy machine is to answer
SILENT = "did not take the caller's details"
MINUTES = 240.0  # 66 s were seen with bbr (docs/reference/asterisk.md)
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
    return steps_in(caller, caller.log())


def steps_in(caller: LocalCall, log: str) -> list[str]:
    """The same of a log."""
    return [step for step in caller.told_in(log) if SILENT not in step]


def given_to(caller: LocalCall) -> list[str]:
    """The engines that the caller was connected to, by their port."""
    log = caller.log()
    return [line.partition(f"{caller.uuid},127.0.0.1:")[2][:5] for line in log.splitlines() if "AudioSocket(" in line]


@asynccontextmanager
async def muted(pbx: Pbx, extension: str = "100") -> AsyncIterator[LocalCall]:
    """A telephone that sends nothing any more once the greeting is over. It is not hung up on."""
    async with open_phone(address(pbx)) as phone:
        caller = LocalCall(pbx, uuid4(), pbx.log_size())
        assert await phone.dial(extension, headers={"X-Call-UUID": str(caller.uuid)})
        assert await phone.agent_silent(0.6)
        phone.mute(on=True)
        yield caller
        assert phone.state == "up"


@asynccontextmanager
async def heard(pbx: Pbx, extension: str = "100") -> AsyncIterator[LocalCall]:
    """A caller who sends silence, as most telephones do. There is no telephone whose patience could end."""
    yield await call(pbx, extension, TAIL="600")


CALLERS = pytest.mark.parametrize("caller_who_is", [muted, pytest.param(heard, marks=pytest.mark.slow)])
Caller = Callable[[Pbx], AbstractAsyncContextManager[LocalCall]]


async def until_lost(caller: LocalCall) -> None:
    """Wait until Asterisk has given the frozen node up: by the kernel's buffers that takes seconds or minutes."""
    with trio.fail_after(MINUTES):
        while not steps_in(caller, caller.pbx.log_since(caller.began)):
            await trio.sleep(LOOK_AGAIN_SECONDS)


async def test_a_new_caller_is_not_given_to_a_frozen_node(pbx: Pbx, nodes: Nodes) -> None:
    pbx.set_globals(CE_API_SECONDS=API_SECONDS)
    with nodes.open("a") as first, nodes.open("b") as second, frozen(first):
        caller = await call(pbx, TAIL="60")
        assert (await turns(second, caller.uuid, 1)) == [GREETING]
        assert (await record(second, caller.uuid))["node"] == "b"
        assert given_to(caller) == [str(pbx.ports.engine("b"))]
        assert steps(caller) == []


@CALLERS
async def test_a_caller_of_a_node_that_freezes_goes_on_at_a_living_one(
    caller_who_is: Caller, pbx: Pbx, nodes: Nodes, figure: Figure
) -> None:
    """Asterisk gives a node up after 2 s in which it hears from neither side, or when a write fails."""
    pbx.set_globals(CE_API_SECONDS=API_SECONDS)
    with nodes.open("a") as first, nodes.open("b") as second:
        async with caller_who_is(pbx) as caller:
            assert (await turns(first, caller.uuid, 1)) == [GREETING]
            stood = trio.current_time()
            with frozen(first):
                await until_lost(caller)
                figure("a node frozen: until Asterisk gives it up", trio.current_time() - stood)
                assert (await turns(second, caller.uuid, 2))[:2] == [GREETING, BACK_AGAIN]
                figure("a node frozen: until the next one has spoken", trio.current_time() - stood)
                assert steps(caller) == ["node 1 FAILED, outcome retry"]
                assert given_to(caller) == [str(pbx.ports.engine(node)) for node in "ab"]


@CALLERS
async def test_a_caller_of_the_only_node_that_freezes_gets_a_person(
    caller_who_is: Caller, pbx: Pbx, nodes: Nodes, figure: Figure
) -> None:
    """It is given to the node once, not again for each time that its connection is taken."""
    pbx.set_globals(CE_API_SECONDS=API_SECONDS, CE_QUEUE="people", **ONE_NODE)
    with nodes.open("a") as engine:
        async with caller_who_is(pbx) as caller:
            assert (await turns(engine, caller.uuid, 1)) == [GREETING]
            stood = trio.current_time()
            with frozen(engine):
                await until_lost(caller)
                lost = trio.current_time()
                await caller.logged("a person answered")
                figure("the only node frozen: until Asterisk gives it up", lost - stood)
                figure("the only node frozen, given up: until a person answers", trio.current_time() - lost)
        assert len(given_to(caller)) == 1
    assert steps(caller) == ["node 1 FAILED, outcome unknown", "fallback"]


async def test_wideband_is_for_nodes_that_answer(pbx: Pbx, nodes: Nodes) -> None:
    """Under Dial() a frozen engine would hold the caller until CE_MAX_SECONDS; who does not answer gets 8 kHz."""
    pbx.set_globals(CE_API_1=f"http://127.0.0.1:{pbx.ports.api('b')}", **ONE_NODE)
    with nodes.open("a") as engine:
        caller = await call(pbx, "101", TAIL="60")
        assert (await turns(engine, caller.uuid, 1)) == [GREETING]
        assert given_to(caller) == [str(pbx.ports.engine("a"))]


async def test_wideband_callers_of_a_frozen_node_are_let_go_at_asterisks_console(
    pbx: Pbx, nodes: Nodes, figure: Figure
) -> None:
    """By what docs/reference/asterisk.md says: the engine's legs are hung up, and the callers go on."""
    pbx.set_globals(CE_API_SECONDS=API_SECONDS, CE_QUEUE="people", **ONE_NODE)
    with nodes.open("a") as engine:
        async with heard(pbx, "101") as caller:
            assert (await turns(engine, caller.uuid, 1)) == [GREETING]
            with frozen(engine):
                (leg,) = legs_of(pbx, f"127.0.0.1:{pbx.ports.engine('a')}")
                pbx.rx(f"channel request hangup {leg}")
                let_go = trio.current_time()
                await caller.logged("a person answered")
                figure("a frozen wideband engine's leg hung up: until a person answers", trio.current_time() - let_go)
    *asked, last = steps(caller)
    assert (set(asked), last) == ({"node 1 SUCCESS, outcome unknown"}, "fallback"), "asked on for CE_RETRY_SECONDS"


def legs_of(pbx: Pbx, engine: str) -> list[str]:
    """Asterisk's channels to an engine (`host:port`)."""
    lines = pbx.rx("core show channels concise").splitlines()
    return [line.partition("!")[0] for line in lines if line.startswith(f"AudioSocket/{engine}")]
