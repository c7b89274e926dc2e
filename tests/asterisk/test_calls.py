"""A call through docker/asterisk's dialplan: it is greeted by the engine, known to it, and ends as it says."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.asterisk.callers import LocalCall, call, loud_seconds, record
from tests.asterisk.instance import Pbx
from tests.asterisk.nodes import GREETING, Nodes
from tests.asterisk.telephones import refuse_late_call
from tests.engine_process import EngineProcess
from tests.speech import FIXTURES

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

SPEECH = str(FIXTURES / "ru" / "hello")  # Asterisk finds the ending
GREETING_SECONDS = len(GREETING) * 0.06  # the scripted voice's pace
LISTENS_SECONDS = "6"  # to the greeting, which may be late: so short a word over it is a murmur, and not obeyed


async def call_and_order(pbx: Pbx, order: str, extension: str = "100", **variables: str) -> LocalCall:
    """A caller who listens to the greeting, says something, and is then obeyed."""
    wanted = {"CE_FIELDS": f"do={order}", "PRE": LISTENS_SECONDS, "WAV": SPEECH, "TAIL": "60", **variables}
    return await call(pbx, extension, None, **wanted)


async def ended(engine: EngineProcess, caller: LocalCall) -> str:
    """The outcome in the call's record."""
    return str((await record(engine, caller.uuid, closed=True))["outcome"])


@pytest.mark.parametrize("extension", ["100", "101"], ids=["AudioSocket", "wideband"])
async def test_a_call_is_greeted_known_and_ended_by_the_agent(
    extension: str, pbx: Pbx, nodes: Nodes, tmp_path: Path
) -> None:
    with nodes.open("a") as engine:
        who = {"CALLER_NUMBER": "+79031234567", "CALLER_NAME": "Анна"}
        caller = await call_and_order(pbx, "hangup", extension, HEARD=str(tmp_path / "heard"), **who)
        opened = await record(engine, caller.uuid)
        assert (opened["number"], opened["name"], opened["called"]) == ("+79031234567", "Анна", extension)
        assert (opened["fields"], opened["node"]) == ({"do": "hangup"}, "a")
        await caller.over()
        assert await ended(engine, caller) == "completed"
    assert caller.told() == ["node 1 SUCCESS, outcome hangup", "over"]
    assert loud_seconds(tmp_path / "heard.wav") >= GREETING_SECONDS


async def test_a_caller_who_hangs_up_leaves_nothing_behind(pbx: Pbx, nodes: Nodes) -> None:
    with nodes.open("a") as engine:
        caller = await call(pbx, TAIL="5")
        assert await ended(engine, caller) == "abandoned"
        await caller.over()
    assert caller.told() == []  # the dialplan asks nothing for a caller who has gone


async def test_transfers_go_to_their_targets_or_else_to_the_shops_queue(pbx: Pbx, nodes: Nodes) -> None:
    reached: dict[str, list[str]] = {
        "people": [],
        "front-desk": [],
        "nobody": ["transfer to nobody NOANSWER", "fallback"],  # does not answer
        "operator": ["transfer to operator NOANSWER", "fallback"],  # a telephone that is not there
        "gone": ['no target "gone": set CE_TARGET_gone in settings.conf', "fallback"],  # not in the table
    }
    pbx.set_globals(CE_QUEUE="people", CE_TARGET_SECONDS="10")
    with nodes.open("a") as engine:
        callers = {target: await call_and_order(pbx, f"transfer:{target}") for target in reached}
        log = await callers["people"].logged("a person answered\n", times=len(reached))
        assert log.count("a person answered\n") == len(reached)
        assert {await ended(engine, caller) for caller in callers.values()} == {"transferred"}
    await refuse_late_call(pbx)
    for target, steps in reached.items():
        assert callers[target].told() == [f"node 1 SUCCESS, outcome transfer:{target}", *steps]


async def test_a_transfer_that_ari_has_left_in_a_global(pbx: Pbx, nodes: Nodes) -> None:
    uuid = uuid4()
    pbx.set_globals(**{f"TRANSFER_{uuid}": "people"})
    with nodes.open("a"):
        caller = await call(pbx, uuid=uuid, CE_FIELDS="do=hangup", PRE=LISTENS_SECONDS, WAV=SPEECH, TAIL="60")
        await caller.logged("a person answered")
    assert caller.told() == ["node 1 SUCCESS, outcome transfer:people"]
    assert f"TRANSFER_{uuid}=people" not in pbx.rx("dialplan show globals")
