"""A reply that takes longer: what there was of it is spoken at once, with the agent's own "one moment"; its cost."""

import trio
import trio.testing
from prometheus_client import REGISTRY

from backends.dialog.fixed import FixedReply, ScriptedDialog
from callengine.ports.reasoning import Delayed, Usage
from tests.sim.call import Parts, open_stage
from tests.sim.test_conversation import greeted, turns

SLOW = 3.0  # from one event of the dialog to the next


def tokens(kind: str) -> float:
    return REGISTRY.get_sample_value("callengine_llm_tokens_total", {"kind": kind}) or 0.0


async def test_one_moment_is_said_while_the_reply_is_awaited(autojump_clock: trio.testing.MockClock) -> None:
    """Each event is 3 s behind the one before: the phrase is heard before the next one comes."""
    parts = Parts(dialog=ScriptedDialog((["Смотрю.", Delayed(), "Есть."],), delta_delay_seconds=SLOW))
    async with open_stage(parts) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.5)
        asked = trio.current_time()
        said = await stage.asterisk.agent_speaks() - asked
        await stage.asterisk.agent_silent()
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        stage.asterisk.hang_up()
    assert 2 * SLOW < said < 3 * SLOW
    assert turns(stage)[-1] == ("agent", f"Смотрю. {parts.agent.one_moment} Есть.", False)


async def test_an_agent_without_the_phrase_says_nothing(autojump_clock: trio.testing.MockClock) -> None:
    agent = Parts().agent.model_copy(update={"one_moment": ""})
    async with open_stage(Parts(dialog=ScriptedDialog(([Delayed(), "Есть."],)), agent=agent)) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.5)
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        stage.asterisk.hang_up()
    assert turns(stage)[-1] == ("agent", "Есть.", False)


async def test_what_a_reply_cost_is_counted(autojump_clock: trio.testing.MockClock) -> None:
    kinds = ("input", "cache_read", "cache_write", "output")
    before = [tokens(kind) for kind in kinds]
    asked = Usage("m", input_tokens=5, cache_read_tokens=4, cache_write_tokens=3)
    reply: FixedReply = [asked, "Есть.", Usage("m", output_tokens=2)]
    async with open_stage(Parts(dialog=ScriptedDialog((reply,)))) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.5)
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        stage.asterisk.hang_up()
    assert [tokens(kind) - was for kind, was in zip(kinds, before, strict=True)] == [5, 4, 3, 2]
