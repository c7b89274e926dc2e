"""Engines that are full, gone, or lose a call: it goes on at the next node or at the shop's people, never nowhere."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import UUID

import pytest
import trio

from tests.asterisk.callers import PATIENCE_SECONDS, call, loud_seconds, record
from tests.asterisk.conftest import Figure
from tests.asterisk.instance import FRAGMENTS, Pbx
from tests.asterisk.nodes import BACK_AGAIN, GREETING, Nodes
from tests.engine_process import EngineProcess

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

GREETING_SECONDS = len(GREETING) * 0.06


async def call_came(engine: EngineProcess) -> None:
    """Wait until the engine has a call."""
    with trio.fail_after(PATIENCE_SECONDS):
        while not any(line.get("event") == "call_opened" for line in engine.log()):
            await trio.sleep(0.02)


async def test_no_engine_listens_and_there_is_a_queue(pbx: Pbx) -> None:
    pbx.set_globals(CE_QUEUE="people")
    caller = await call(pbx, TAIL="60")
    await caller.logged("a person answered")
    told = caller.told()
    assert told[-1] == "fallback"
    assert {step for step in told if "outcome" in step} == {
        "node 1 FAILED, outcome unknown",
        "node 2 FAILED, outcome unknown",
    }


async def test_no_engine_listens_and_there_is_no_queue(pbx: Pbx, tmp_path: Path) -> None:
    pbx.set_globals(CE_RETRY_SECONDS="0")
    caller = await call(pbx, TAIL="60", HEARD=str(tmp_path / "heard"))
    await caller.over()
    assert [step for step in caller.told() if "did not take" not in step] == [
        "node 1 FAILED, outcome unknown",
        "node 2 FAILED, outcome unknown",
        "fallback",
        "over",
    ]
    assert loud_seconds(tmp_path / "heard.wav") > 1.0  # the apology


async def test_a_queue_that_is_not_there_is_no_silence(pbx: Pbx) -> None:
    pbx.set_globals(CE_QUEUE="misspelt", CE_RETRY_SECONDS="0")
    caller = await call(pbx, TAIL="60")
    await caller.over()
    assert caller.told()[-3:] == ["fallback", "queue misspelt UNKNOWN", "over"]


async def test_an_engine_that_hangs_is_left_in_the_end(pbx: Pbx, nodes: Nodes) -> None:
    pbx.set_globals(CE_QUEUE="people", CE_MAX_SECONDS="4")
    with nodes.open("a") as engine:
        caller = await call(pbx, TAIL="60")
        await record(engine, caller.uuid)
        engine.tell(signal.SIGSTOP)
        await caller.logged("a person answered")
        engine.tell(signal.SIGKILL)  # what is stopped cannot end in order
        engine.status()
    assert caller.told() == ["held for over 4 s", "fallback"]


async def test_a_busy_node_sends_the_caller_to_the_next(pbx: Pbx, nodes: Nodes) -> None:
    with nodes.open("a", MAX_CALLS="1") as first, nodes.open("b") as second:
        there = await call(pbx, TAIL="60")
        await record(first, there.uuid)
        caller = await call(pbx, TAIL="60")
        await caller.says("node 1 SUCCESS, outcome busy")
        await call_came(second)
        assert there.told() == []


async def test_a_full_node_alone_is_asked_each_second_and_then_people_are(pbx: Pbx, nodes: Nodes) -> None:
    pbx.set_globals(CE_ENGINE_2="", CE_API_2="", CE_QUEUE="people", CE_RETRY_SECONDS="3")
    with nodes.open("a", MAX_CALLS="1") as engine:
        there = await call(pbx, TAIL="60")
        await record(engine, there.uuid)
        caller = await call(pbx, TAIL="60")
        await caller.logged("a person answered")
        assert there.told() == []
    told = caller.told()
    assert set(told[:-1]) == {"node 1 SUCCESS, outcome busy"}
    assert len(told) >= 3
    assert told[-1] == "fallback"


async def test_a_call_goes_on_at_the_next_node_when_its_own_is_killed(pbx: Pbx, nodes: Nodes) -> None:
    with nodes.open("b") as second:
        with nodes.open("a") as first:
            caller = await call(pbx, TAIL="60")
            assert (await record(first, caller.uuid))["node"] == "a"
            first.tell(signal.SIGKILL)
            first.status()
        await call_came(second)
        told = caller.told()
    assert told[0].endswith("outcome retry")
    assert told[0].startswith("node 1 ")


async def turns(engine: EngineProcess, uuid: UUID, count: int) -> list[str]:
    """The texts of so many turns of a call's record, once they are there."""
    with trio.fail_after(PATIENCE_SECONDS):
        while len(found := (await record(engine, uuid))["turns"]) < count:
            await trio.sleep(0.02)
    return [turn["text"] for turn in found]


async def test_a_conversation_goes_on_at_the_next_node(pbx: Pbx, nodes: Nodes, figure: Figure) -> None:
    with nodes.open("b") as second:
        with nodes.open("a") as first:
            caller = await call(pbx, TAIL="60")
            await turns(first, caller.uuid, 1)
            killed = trio.current_time()
            first.tell(signal.SIGKILL)
            first.status()
        await call_came(second)
        figure("a node killed in mid-call: until another one has the call", trio.current_time() - killed)
        assert (await turns(second, caller.uuid, 2))[:2] == [GREETING, BACK_AGAIN]
        assert any(line.get("resumed") == 2 for line in second.log())


async def test_a_call_goes_on_at_its_own_node_when_that_comes_back(pbx: Pbx, nodes: Nodes) -> None:
    pbx.set_globals(CE_ENGINE_2="", CE_API_2="", CE_RETRY_SECONDS="120")  # a busy machine is not what this is about
    with nodes.open("a") as engine:
        caller = await call(pbx, TAIL="180")
        await record(engine, caller.uuid)
        engine.tell(signal.SIGKILL)
        engine.status()
    with nodes.open("a") as again:
        await call_came(again)
    assert "fallback" not in caller.told()


async def test_a_node_that_drains_hands_its_calls_over(pbx: Pbx, nodes: Nodes) -> None:
    with nodes.open("b") as second:
        with nodes.open("a", DRAIN_SECONDS="0") as first:
            caller = await call(pbx, TAIL="60")
            await record(first, caller.uuid)
            first.tell(signal.SIGTERM)
            assert first.status() == 0
        await call_came(second)
    assert caller.told()[0] == "node 1 SUCCESS, outcome retry"


@contextmanager
def deaf_listener() -> Iterator[int]:
    """A port that accepts (in the kernel) and never says a word: an API that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


@contextmanager
def full_listener() -> Iterator[int]:
    """A port whose backlog is full, so that connections are not even refused: a host that has vanished."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = int(listener.getsockname()[1])
        fill = [socket.socket() for _ in range(4)]
        for one in fill:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port
        for one in fill:
            one.close()


@contextmanager
def nobody() -> Iterator[int]:
    """A port that refuses: bound, so that nobody else can take it, and not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


def shipped(setting: str) -> str:
    """A setting as docker/asterisk has it."""
    lines = (FRAGMENTS / "settings.conf").read_text(encoding="utf-8").splitlines()
    (value,) = [line.partition(" = ")[2] for line in lines if line.startswith(f"{setting} = ")]
    return value


@pytest.mark.parametrize("api", [nobody, deaf_listener, full_listener], ids=["refuses", "hangs", "vanished"])
async def test_a_dead_api_does_not_keep_a_caller_from_the_greeting(
    api: Callable[[], AbstractContextManager[int]], pbx: Pbx, nodes: Nodes, figure: Figure, tmp_path: Path
) -> None:
    with api() as port, nodes.open("a", MAX_CALL_SECONDS="3") as engine:
        pbx.set_globals(
            CE_API_1=f"http://127.0.0.1:{port}",
            CE_API_2="",
            CE_ENGINE_2="",
            CE_RETRY_SECONDS="1",
            CE_API_SECONDS=shipped("CE_API_SECONDS"),
        )
        caller = await call(pbx, TAIL="60", HEARD=str(tmp_path / "heard"))
        await caller.over()
        ended = await record(engine, caller.uuid, closed=True)
        took = caller.at("AudioSocket(") - caller.at("[register@callengine:1]")
        figure(f"a dead API ({api.__name__}): from the registration to AudioSocket()", took.total_seconds())
    assert (ended["outcome"], ended["number"]) == ("too_long", "")  # nobody could be told who is calling
    assert GREETING.startswith(ended["turns"][0]["text"])
    told = caller.told()
    assert "did not take the caller's details" in told[0]
    # how it ended nobody says, and the agent is not started twice: the caller goes to people
    assert set(told[1:-2]) == {"node 1 SUCCESS, outcome unknown"}
    assert told[-2:] == ["fallback", "over"]
    assert loud_seconds(tmp_path / "heard.wav") >= GREETING_SECONDS
