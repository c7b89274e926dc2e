"""The bench of gRPC streams: its callers go on speaking after a stall of the machine; a run that lost them is told."""

import pytest
import trio
from trio.testing import MockClock

from callengine.media.leg import Leg
from callengine.media.marks import LineEnded
from tests.bench.stand_in import InMemory
from tests.bench.stt_streams import Cost, Turns, _check, cost, turn


@pytest.mark.parametrize("stall", [0.5, 1.0, 1.02, 4.0, 30.0])
async def test_a_stall_of_the_machine_ends_no_caller(stall: float, autojump_clock: MockClock) -> None:
    """51 frames held back are more than one read takes: they once came torn, and the line ended as a broken one."""
    leg = Leg(Turns(turn()), trio.current_time(), 60.0)
    for pause in (*[0.02] * 50, stall, *[0.02] * 2000):
        await trio.sleep(pause)
        leg.receive(trio.current_time())
    assert leg.ended is None
    assert leg.ring.end == pytest.approx((trio.current_time() - leg.began) * 8000, abs=320)


async def test_every_stream_is_sent_what_its_caller_says(autojump_clock: MockClock) -> None:
    spent = await cost(InMemory(), 4, 16.0)
    assert spent.audio >= 4 * 16.0 * 0.95


async def test_a_run_that_lost_its_callers_is_no_result(autojump_clock: MockClock) -> None:
    legs = [Leg(Turns(turn()), trio.current_time(), 60.0) for _ in range(2)]
    _check(legs, Cost(1.0, 1, 1, 48.0), 48.0)
    with pytest.raises(SystemExit, match="only 9 s were sent"):
        _check(legs, Cost(1.0, 1, 1, 9.0), 48.0)
    legs[1].end("hangup")
    with pytest.raises(SystemExit, match=r"1 of 2 lines ended in the run, the first by LineEnded\(reason='hangup'"):
        _check(legs, Cost(1.0, 1, 1, 48.0), 48.0)
    assert isinstance(legs[1].ended, LineEnded)
