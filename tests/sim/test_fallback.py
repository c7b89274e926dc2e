"""A dialog backend that fails: the caller hears so and goes to a person, where the agent knows one. Virtual time."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import trio
import trio.testing

from backends.dialog.fixed import FixedReply, ScriptedDialog
from backends.stt.scripted import ScriptedRecognizer
from callengine.agent import AgentProfile, TransferTargets
from callengine.call.fallback import DIALOG_FAILED
from callengine.call.parts import Ending
from callengine.errors import ReasoningError
from callengine.ports.tools import ToolCall
from callengine.services.scripted_tools import ScriptedToolbox
from tests.conftest import ExpectErrorLog
from tests.sim.asterisk import SimulatedAsterisk
from tests.sim.call import Parts, open_stage
from tests.sim.checks import check_call, closed, said, spoken_frames
from tests.sim.engine import Line, open_play
from tests.sim.plays import AGENT, LOOK
from tests.sim.stamped import StampedVoice

BROKEN = ReasoningError("overloaded", retryable=True)
SORRY = "Простите, неполадка. Соединяю со специалистом."
PEOPLE = TransferTargets.model_validate({"default": "operator", "targets": ["operator"]})
KNOWS_PEOPLE = AGENT.model_copy(update={"transfer": PEOPLE, "apology_transferring": SORRY})


def parts(replies: Sequence[FixedReply], agent: AgentProfile = KNOWS_PEOPLE) -> Parts:
    dialog, toolbox = ScriptedDialog(tuple(replies)), ScriptedToolbox((LOOK,), {"look": {}})
    recognizer = ScriptedRecognizer(["вопрос", "ещё вопрос"])
    return replace(Parts(), agent=agent, voice=StampedVoice(), recognizer=recognizer, dialog=dialog, toolbox=toolbox)


@pytest.mark.parametrize(
    ("reply", "heard"),
    [
        ([[BROKEN]], SORRY),
        ([["Есть четыре штуки. Отложить их", BROKEN]], f"Есть четыре штуки. {SORRY}"),
        ([["Смотрю.", ToolCall("a", "look")], [BROKEN]], f"Смотрю. {SORRY}"),
    ],
    ids=["at once", "in mid-sentence", "behind a tool"],
)
async def test_the_caller_is_told_and_put_through(
    autojump_clock: trio.testing.MockClock, expect_error_log: ExpectErrorLog, reply: list[FixedReply], heard: str
) -> None:
    asked = parts(reply)
    with expect_error_log("dialog_failed"):
        async with open_stage(asked) as stage:
            await trio.sleep(1.0)
            await stage.asterisk.speak(0.5)
    assert isinstance(asked.voice, StampedVoice)
    check_call(stage, asked.voice)
    assert said(stage)[-1] == ("agent", heard, False)
    assert stage.ending == Ending("transferred", DIALOG_FAILED, "operator")
    assert (closed(stage).outcome, closed(stage).target) == ("transferred", "operator")


async def test_the_dialplan_hears_where_the_caller_goes(
    autojump_clock: trio.testing.MockClock, expect_error_log: ExpectErrorLog
) -> None:
    line = Line(SimulatedAsterisk())
    with expect_error_log("dialog_failed"):
        async with open_play(parts([[BROKEN]]), line) as play:
            await play.asterisk.agent_speaks()
            await play.asterisk.agent_silent()
            await play.asterisk.speak(0.5)
    assert line.word == "transfer:operator"


async def test_an_agent_without_these_words_says_that_it_transfers(
    autojump_clock: trio.testing.MockClock, expect_error_log: ExpectErrorLog
) -> None:
    asked = parts([[BROKEN]], AGENT.model_copy(update={"transfer": PEOPLE}))
    with expect_error_log("dialog_failed"):
        async with open_stage(asked) as stage:
            await trio.sleep(1.0)
            await stage.asterisk.speak(0.5)
    assert said(stage)[-1] == ("agent", AGENT.transferring, False)


async def test_nothing_interrupts_these_words(
    autojump_clock: trio.testing.MockClock, expect_error_log: ExpectErrorLog
) -> None:
    asked = parts([[BROKEN], "Да, есть."])
    with expect_error_log("dialog_failed"):
        async with open_stage(asked) as stage:
            await trio.sleep(1.0)
            await stage.asterisk.speak(0.5)
            await stage.asterisk.agent_speaks()
            await stage.asterisk.speak(1.0)
    assert said(stage)[-1] == ("agent", SORRY, False)
    assert stage.ending == Ending("transferred", DIALOG_FAILED, "operator")


async def test_an_agent_who_knows_nobody_apologises(
    autojump_clock: trio.testing.MockClock, expect_error_log: ExpectErrorLog
) -> None:
    asked = parts([[BROKEN]], AGENT)
    with expect_error_log("call_failed"):
        async with open_stage(asked) as stage:
            await trio.sleep(1.0)
            await stage.asterisk.speak(0.5)
    assert isinstance(asked.voice, StampedVoice)
    assert AGENT.apology in [part.text for part in spoken_frames(stage, asked.voice) if part.whole]
    assert closed(stage).outcome == "failed"
