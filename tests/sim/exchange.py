"""The shortest conversation: the caller asks one thing and is answered."""

import trio

from tests.sim.call import Parts, Stage, open_stage
from tests.sim.checks import check_call, said
from tests.sim.stamped import StampedVoice

ASKED = "есть зимние шины?"


async def check_exchange(parts: Parts, waits: float, seconds: float) -> Stage:
    """After `waits` the caller asks something for so many seconds. They are greeted and answered (a dialog of `Parts`'s
    own), and nothing else is said."""
    assert isinstance(parts.voice, StampedVoice)
    async with open_stage(parts) as stage:
        await trio.sleep(waits)
        await stage.asterisk.speak(seconds)
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        stage.asterisk.hang_up()
    check_call(stage, parts.voice)
    assert [turn[:2] for turn in said(stage)] == [
        ("agent", parts.agent.greeting),
        ("caller", ASKED),
        ("agent", "Да, есть зимние шины на любой вкус."),
    ]
    return stage
