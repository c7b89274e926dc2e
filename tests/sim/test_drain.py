"""A drain takes a call from its tasks: handed over, with what was heard on record, silence until the hang-up."""

import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from callengine import metrics
from tests.sim.call import open_clock, open_stage, run_virtual
from tests.sim.checks import check_call, closed
from tests.sim.plays import Delays, rich_parts, speak_all
from tests.sim.stamped import StampedVoice

LAST_WORDS_AT = 8.0  # before the goodbye of the play


def handed_over() -> float:
    return float(metrics.calls_total.labels("handed_over")._value.get())


async def drain(at: float, delays: Delays) -> None:
    parts, before = rich_parts(delays), handed_over()
    async with open_clock() as clock, trio.open_nursery() as caller:
        async with open_stage(parts, clock) as stage:
            caller.start_soon(speak_all, stage.asterisk)
            await trio.sleep(at)
            stage.call.cancel("draining")
            cancelled = trio.current_time()
        caller.cancel_scope.cancel("the call is over")
    assert isinstance(parts.voice, StampedVoice)
    check_call(stage, parts.voice)
    assert (closed(stage).outcome, stage.ending) == ("handed_over", None)
    assert handed_over() - before == 1
    assert stage.over_at == cancelled, "nothing of a call waits for anything when it is cancelled"
    assert stage.asterisk.sent[-1].kind == 0x00
    assert stage.asterisk.sent[-1].at - cancelled <= 0.0201


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, LAST_WORDS_AT), st.builds(Delays, dialog=st.floats(0.0, 2.0), tool=st.floats(0.0, 2.0)))
def test_a_call_may_be_handed_over_at_any_moment(at: float, delays: Delays) -> None:
    run_virtual(drain, at, delays)
