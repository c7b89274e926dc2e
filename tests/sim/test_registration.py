"""REQUIRE_REGISTRATION: whose call is taken, and what becomes of others. Virtual time."""

import trio
import trio.testing
from prometheus_client import REGISTRY

from callengine.errors import ServiceError
from callengine.ports.journal import CallClosed
from callengine.ports.tools import CallerContext
from callengine.services.memory import MemoryRegistry
from tests.sim.asterisk import FIRST_UUID, SimulatedAsterisk
from tests.sim.call import Parts
from tests.sim.engine import Line, open_play

ANNOUNCED = CallerContext(str(FIRST_UUID), "", "+79031234567", "Анна", "100", "PJSIP/7-01")


def refused() -> float:
    labels = {"reason": "unregistered"}
    return REGISTRY.get_sample_value("callengine_connections_refused_total", labels) or 0.0


async def test_a_call_that_nobody_announced_is_refused_and_counted(autojump_clock: trio.testing.MockClock) -> None:
    before = refused()
    async with open_play(Parts(), Line(SimulatedAsterisk()), REQUIRE_REGISTRATION="on") as play:
        await play.over.wait()
    assert (play.journal.entries, play.line.word, refused() - before) == ([], "retry", 1.0)


async def test_a_call_that_was_announced_is_taken_once(autojump_clock: trio.testing.MockClock) -> None:
    async with open_play(Parts(), Line(SimulatedAsterisk()), REQUIRE_REGISTRATION="on") as play:
        registry = play.engine.services.registry
        await registry.put_caller(ANNOUNCED)
        await play.asterisk.agent_speaks()
        play.asterisk.hang_up()
    assert isinstance(play.journal.entries[-1], CallClosed)
    assert await registry.take_caller(str(FIRST_UUID)) is None


async def test_an_announcement_is_good_for_a_minute(autojump_clock: trio.testing.MockClock) -> None:
    registry = MemoryRegistry()
    await registry.put_caller(ANNOUNCED)
    await trio.sleep(60.0)
    assert await registry.take_caller(str(FIRST_UUID)) is None


async def test_where_the_registry_is_away_nobody_is_known(autojump_clock: trio.testing.MockClock) -> None:
    async with open_play(Parts(), Line(SimulatedAsterisk()), REQUIRE_REGISTRATION="on") as play:
        registry = play.engine.services.registry
        assert isinstance(registry, MemoryRegistry)
        registry.fault = ServiceError("redis refuses")
        await play.over.wait()
    assert play.journal.entries == []
