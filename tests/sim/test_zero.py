"""The key 0 leads to a person where the agent file says so, and is a digit where it belongs to a number."""

from dataclasses import replace

import pytest
import trio
import trio.testing

from backends.dialog.fixed import ScriptedDialog
from callengine.agent import TransferTargets
from tests.sim.call import Parts, Stage, open_stage
from tests.sim.checks import closed, said

ANSWER = "Ваш заказ готов, его можно забрать в магазине."


async def press(digits: str, on_zero: str, over_the_answer: bool = False) -> Stage:
    agent = Parts().agent.model_copy(update={"transfer": TransferTargets(targets={"people": {}}, on_zero=on_zero)})  # type: ignore[dict-item]
    async with open_stage(replace(Parts(), agent=agent, dialog=ScriptedDialog((ANSWER,)))) as stage:
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        if over_the_answer:
            stage.asterisk.press("1#")
            await stage.asterisk.agent_speaks()
        stage.asterisk.press(digits)
        await trio.sleep(6.0)
        stage.asterisk.hang_up()
    return stage


@pytest.mark.parametrize("over_the_answer", [False, True])
async def test_zero_leads_to_a_person(autojump_clock: trio.testing.MockClock, over_the_answer: bool) -> None:
    stage = await press("0", "people", over_the_answer)
    assert (closed(stage).outcome, closed(stage).detail) == ("transferred", "the caller pressed 0")
    assert said(stage)[-1] == ("agent", Parts().agent.transferring, False)


async def test_a_zero_within_a_number_is_a_digit(autojump_clock: trio.testing.MockClock) -> None:
    stage = await press("1042#", "people")
    assert said(stage)[1:] == [("caller", "1042", False), ("agent", ANSWER, False)]


async def test_without_a_target_zero_is_a_digit(autojump_clock: trio.testing.MockClock) -> None:
    stage = await press("0#", "")
    assert said(stage)[1:] == [("caller", "0", False), ("agent", ANSWER, False)]
