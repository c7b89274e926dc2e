"""A call through docker/asterisk's dialplan: it reaches the engine, is greeted, is known, and ends as the engine says."""

import pytest

from tests.asterisk.callers import call, loud_seconds, record
from tests.asterisk.instance import Pbx
from tests.asterisk.nodes import Nodes
from tests.speech import FIXTURES

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

SPEECH = str(FIXTURES / "ru" / "hello")  # Asterisk finds the ending


async def test_a_call_is_greeted_known_and_ended_by_the_agent(pbx: Pbx, nodes: Nodes) -> None:
    heard = pbx.folder / "greeting"
    with nodes.open("a") as engine:
        caller = await call(
            pbx,
            CALLER_NUMBER="+79031234567",
            CALLER_NAME="Анна",
            CE_FIELDS="shop=7&do=hangup",
            HEARD=str(heard),
            PRE="3",
            WAV=SPEECH,
            TAIL="30",
        )
        opened = await record(engine, caller.uuid)
        assert (opened["number"], opened["name"], opened["called"]) == ("+79031234567", "Анна", "100")
        assert opened["fields"] == {"shop": "7", "do": "hangup"}
        assert opened["node"] == "a"
        await caller.says("over")
        await caller.over()
        closed = await record(engine, caller.uuid, closed=True)
    assert caller.told() == ["node 1 SUCCESS, outcome hangup", "over"]
    assert closed["outcome"] == "completed"
    greeting = len(closed["turns"][0]["text"]) * 0.06  # the scripted voice's pace
    assert loud_seconds(heard.with_suffix(".wav")) >= greeting
