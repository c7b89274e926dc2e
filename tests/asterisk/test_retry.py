"""Every node is full: the next one at once, then "one moment" and a node each second for 5 s, then people."""

import re
from uuid import uuid4

import numpy as np
import pytest
import trio

from tests.asterisk.alaw import through_alaw
from tests.asterisk.callers import LocalCall, call, record
from tests.asterisk.comparison import compare
from tests.asterisk.conftest import Figure
from tests.asterisk.heard import SOUND, audio_of
from tests.asterisk.instance import FRAGMENTS, Pbx
from tests.asterisk.nodes import Nodes
from tests.asterisk.phone import open_phone
from tests.asterisk.telephones import address, samples_of
from tests.asterisk.test_nodes import shipped

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

SPOKEN = samples_of(FRAGMENTS / "sounds" / "ru" / "one-moment.wav")
FIRST, LAST = np.flatnonzero(np.abs(SPOKEN) > SOUND)[[0, -1]]
ONE_MOMENT = through_alaw(SPOKEN[FIRST:LAST])


def waiting(caller: LocalCall) -> list[str]:
    """The tries of a call, each by its node, and what the caller had between them: Playback or Wait with what."""
    node = {str(caller.pbx.ports.engine(name)): name for name in "ab"}
    log = caller.log()
    found = re.findall(
        rf'AudioSocket\({caller.uuid},127\.0\.0\.1:(\d+)|\[moment@\S+ (Playback|Wait)\("[^"]*", "(.*)"', log
    )
    return [node[port] if port else f"{what} {of.rpartition('/')[2]}" for port, what, of in found]


@pytest.mark.parametrize("api", ["asked", "not there"])
async def test_a_node_that_is_away_is_passed_over_without_a_word(api: str, pbx: Pbx, nodes: Nodes) -> None:
    """Where there is an API to ask, the engine that is away is not even called."""
    if api == "not there":
        pbx.set_globals(CE_API_1="", CE_API_2="")
    with nodes.open("b") as second:
        caller = await call(pbx, TAIL="60")
        assert (await record(second, caller.uuid))["node"] == "b"
        assert waiting(caller) == (["a", "b"] if api == "not there" else ["b"])


async def test_where_all_are_busy_a_node_is_tried_each_second_and_then_people(
    pbx: Pbx, nodes: Nodes, figure: Figure
) -> None:
    assert shipped("CE_RETRY_SECONDS") == "5"
    pbx.set_globals(CE_QUEUE="people", CE_LANGUAGE="ru-RU")
    with nodes.open("a", MAX_CALLS="1") as first, nodes.open("b", MAX_CALLS="1") as second:
        for engine in (first, second):
            there = await call(pbx, TAIL="120")
            await record(engine, there.uuid)
        async with open_phone(address(pbx)) as phone:
            caller = LocalCall(pbx, uuid4(), pbx.log_size())
            assert await phone.dial("100", headers={"X-Call-UUID": str(caller.uuid)})
            began = trio.current_time()
            await caller.logged("a person answered")
            figure("all nodes busy: until a person answers", trio.current_time() - began)
            assert phone.state == "up"
            tries = waiting(caller)
        assert there.told() == ["node 1 SUCCESS, outcome busy"], "the calls that are up go on"
    assert {re.sub(r"node \d", "node", step) for step in caller.told()} == {"node SUCCESS, outcome busy", "fallback"}
    assert tries[:4] == ["a", "b", "Playback one-moment", "a"], "the next node at once, without a word"
    again = tries[3:]
    assert again[1::2] == ["Wait 1"] * (len(again) // 2), "said once; then a second before each try"
    assert again[::2] == (["a", "b"] * len(again))[: (len(again) + 1) // 2], "the nodes in turn"
    found = compare(ONE_MOMENT, audio_of(phone.heard).samples)
    assert found.differences == (), found
