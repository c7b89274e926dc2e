"""An error of the engine's own: to people at once where nothing was said of it, after an apology as the shop wants."""

import pytest

from tests.asterisk.callers import LocalCall, call, record
from tests.asterisk.instance import Pbx
from tests.asterisk.nodes import Nodes
from tests.asterisk.own_dialplan import OWN, own_extension
from tests.asterisk.test_calls import call_and_order

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]


def waited(caller: LocalCall) -> bool:
    """The caller was told to wait a moment."""
    return "[moment@callengine:1]" in caller.log()


async def test_an_apology_and_then_a_person(pbx: Pbx, nodes: Nodes) -> None:
    pbx.set_globals(CE_QUEUE="people")
    with nodes.open("a") as engine:
        caller = await call_and_order(pbx, "fail")
        await caller.logged("a person answered")
        assert (await record(engine, caller.uuid, closed=True))["outcome"] == "failed"
    assert caller.told() == ["node 1 SUCCESS, outcome apologised", "fallback"]
    assert not waited(caller)


@pytest.mark.parametrize("settings", [{"CE_QUEUE": "people", "CE_AFTER_APOLOGY": "hangup"}, {"CE_QUEUE": ""}])
async def test_an_apology_is_the_end_where_the_shop_wants_it_or_has_nobody(
    settings: dict[str, str], pbx: Pbx, nodes: Nodes
) -> None:
    pbx.set_globals(**settings)
    with nodes.open("a"):
        caller = await call_and_order(pbx, "fail")
        await caller.over()
    assert caller.told() == ["node 1 SUCCESS, outcome apologised", "over"]


async def test_a_failure_that_nobody_spoke_of_goes_to_people_at_once(pbx: Pbx, nodes: Nodes) -> None:
    """The caller's own codec marked as signed linear: the engine ends such a call at once."""
    pbx.set_globals(CE_QUEUE="people")
    steps = (
        "Set(CE_N=1)",
        "Gosub(callengine,prepare,1)",
        "Answer()",
        "Dial(AudioSocket/@ENGINE@/${CALL_UUID},,g)",
        "Set(CE_STATUS=SUCCESS)",
        "Goto(callengine,after,1)",
    )
    with nodes.open("a"), own_extension(pbx, *steps):
        caller = await call(pbx, "900", context=OWN, TAIL="60")
        await caller.logged("a person answered")
    assert caller.told() == ["node 1 SUCCESS, outcome failed", "fallback"]
    assert not waited(caller)
