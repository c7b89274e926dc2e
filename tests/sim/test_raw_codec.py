"""A dialplan that sends A-law under the kind of slin: the agent hears noise for a second, and the call ends by name."""

import trio.testing

from callengine.call.parts import Ending
from tests.sim.call import Parts, open_clock, open_stage
from tests.sim.checks import closed
from tests.strategies import packed


async def test_the_call_ends_within_a_bit_more_than_a_second(autojump_clock: trio.testing.MockClock) -> None:
    async with open_clock() as clock, open_stage(Parts(), clock) as stage:
        stage.asterisk.raw = packed(0x10, b"\xd5" * 160)
        await stage.ended.wait()
        assert 1.0 <= trio.current_time() - stage.leg.began < 1.2
    assert stage.ending == Ending("failed", "raw_codec")
    assert stage.asterisk.sent[-1].kind == 0x00, "the dialplan goes on"
    assert all(len(message.payload) == 320 for message in stage.asterisk.sent[:-1])
    assert closed(stage).outcome == "failed"


async def test_short_packets_of_slin_are_a_call(autojump_clock: trio.testing.MockClock) -> None:
    async with open_clock() as clock, open_stage(Parts(), clock) as stage:
        stage.asterisk.raw = packed(0x10, bytes(160)) * 2
        await trio.sleep(5.0)
        assert stage.leg.ended is None
        stage.asterisk.hang_up()
    assert closed(stage).outcome == "abandoned"
