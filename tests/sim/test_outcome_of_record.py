"""Redis is away, and the dialplan asks a node that did not have the call: the record has the last word."""

import pytest
import trio
import trio.testing

from backends.dialog.fixed import ScriptedDialog
from callengine.answering import Agents
from callengine.config import load_settings
from callengine.engine import Engine
from callengine.errors import AwayError
from callengine.ports.journal import CallOpened
from callengine.ports.reasoning import END_CALL
from callengine.ports.tools import ToolCall
from tests.sim.asterisk import FIRST_UUID, SimulatedAsterisk
from tests.sim.call import Parts, services_of
from tests.sim.engine import Line, State, open_play
from tests.sim.plays import AGENT
from tests.sim.test_takeover import heard_out


@pytest.fixture
def without_redis() -> State:
    """What two nodes share while Redis is away."""
    state = State()
    state.registry.fault = AwayError("registry: away")
    return state


def other_node(state: State) -> Engine:
    """A node that has never had a call."""
    services = services_of(Parts(agent=AGENT), state.journal, state.registry)
    return Engine(load_settings({}), Agents(AGENT), services)


async def test_a_call_that_ended_is_over_for_every_node(
    autojump_clock: trio.testing.MockClock, without_redis: State
) -> None:
    goodbye = ScriptedDialog((["Всего доброго.", ToolCall("1", END_CALL.name)],))
    line = Line(SimulatedAsterisk())
    async with open_play(Parts(dialog=goodbye, agent=AGENT), line, state=without_redis) as play:
        await heard_out(play)
        await play.asterisk.speak(0.8)
    assert line.word == "hangup"
    assert await other_node(without_redis).outcome(FIRST_UUID) == "hangup", "the caller would be greeted again"


async def test_a_call_whose_line_was_lost_goes_on(autojump_clock: trio.testing.MockClock, without_redis: State) -> None:
    async with open_play(Parts(agent=AGENT), Line(SimulatedAsterisk()), state=without_redis) as play:
        await heard_out(play)
        play.asterisk.hang_up()
    assert await other_node(without_redis).outcome(FIRST_UUID) == "retry"


async def test_a_call_whose_node_is_gone_goes_on(autojump_clock: trio.testing.MockClock, without_redis: State) -> None:
    other = other_node(without_redis)
    assert await other.outcome(FIRST_UUID) == "retry"
    async with open_play(Parts(agent=AGENT), Line(SimulatedAsterisk()), state=without_redis) as play:
        await heard_out(play)
        (opened,) = [entry for entry in without_redis.journal.entries if isinstance(entry, CallOpened)]
        assert opened.call_id == str(FIRST_UUID)
        assert await other.outcome(FIRST_UUID) == "retry"
        play.asterisk.hang_up()


async def test_without_a_record_to_ask_the_call_goes_on_as_it_did(
    autojump_clock: trio.testing.MockClock, without_redis: State
) -> None:
    without_redis.journal.fault = AwayError("database: away")
    assert await other_node(without_redis).outcome(FIRST_UUID) == "retry"
