"""Asterisk ends under twenty calls: the engine ends them all, and takes calls of the next Asterisk."""

from collections import Counter
from collections.abc import Callable

import pytest
import trio

from tests.asterisk.callers import LOOK_AGAIN_SECONDS, PATIENCE_SECONDS, LocalCall, call, open_api, record
from tests.asterisk.conftest import Figure
from tests.asterisk.instance import Pbx
from tests.asterisk.nodes import Nodes
from tests.asterisk.phone import open_phone
from tests.asterisk.rest import at_rest, figures, live_calls, registered
from tests.asterisk.telephones import address
from tests.engine_process import EngineProcess

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

CALLS = 20


async def _fill(pbx: Pbx, engine: EngineProcess) -> list[LocalCall]:
    """Start twenty callers and wait until the engine has them all."""
    callers = [await call(pbx, TAIL="600") for _ in range(CALLS)]
    async with open_api(engine) as api:
        with trio.fail_after(PATIENCE_SECONDS):
            while (await figures(api))["callengine_calls_active"] < CALLS:
                await trio.sleep(LOOK_AGAIN_SECONDS)
    return callers


async def _outcomes(engine: EngineProcess, callers: list[LocalCall]) -> dict[str, int]:
    return Counter([(await record(engine, caller.uuid, closed=True))["outcome"] for caller in callers])


@pytest.mark.parametrize("end", [Pbx.stop, Pbx.kill], ids=["stopped", "killed"])
async def test_asterisk_is_restarted_under_twenty_calls(
    end: Callable[[Pbx], None], pbx: Pbx, nodes: Nodes, redis_url: str, figure: Figure
) -> None:
    with nodes.open("a") as engine:
        async with open_api(engine) as api:
            first = await _fill(pbx, engine)  # after these, pools and caches are there
            pbx.rx("channel request hangup all")
            assert await _outcomes(engine, first) == {"abandoned": CALLS}
            await first[0].over()  # till then the dialplan asks for outcomes, each on a connection of its own
            before = await at_rest(engine, api)
            second = await _fill(pbx, engine)
            ended = trio.current_time()
            end(pbx)
            after = await at_rest(engine, api, before)
            took = trio.current_time() - ended
            assert await _outcomes(engine, second) == {"abandoned": CALLS}
            assert await live_calls(api) == await registered(redis_url) == []
            started = trio.current_time()
            pbx.start()
            again = trio.current_time()
            async with open_phone(address(pbx)) as phone:
                assert await phone.dial("100")
                assert await phone.agent_speaking()
                heard = trio.current_time() - again
        figure(f"Asterisk's end: until nothing is left of {CALLS} calls", took)
        figure("Asterisk's start", again - started)
        figure("Asterisk's start: until a new caller hears the greeting", heard)
    assert after == before
