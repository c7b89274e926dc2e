"""A dialog without words, in virtual time: it asks for tools alone, for ever or until it falls silent. Whatever backend
it is, the caller is answered, and never left in silence for long."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import trio
import trio.testing
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backends.dialog.fixed import FixedReply, ScriptedDialog
from backends.stt.scripted import ScriptedRecognizer
from callengine.agent import AgentProfile, TransferTargets
from callengine.call.answer import TOOL_ROUNDS
from callengine.call.filler import AGAIN_SECONDS, LONGEST_SECONDS, SILENCE_SECONDS
from callengine.call.turns import TurnTimes
from callengine.ports.journal import ToolRecorded, TurnRecorded
from callengine.ports.reasoning import Delayed
from callengine.ports.tools import ToolCall
from callengine.services.scripted_tools import ScriptedToolbox
from tests.conftest import ExpectErrorLog
from tests.sim.call import Parts, Stage, open_stage, run_virtual
from tests.sim.checks import check_call, closed, said, spoken_frames, turns
from tests.sim.plays import AGENT, LOOK
from tests.sim.stamped import StampedVoice, read_stamp
from tests.sim.test_filler import FILLERS

AGAIN = "Простите, повторите, пожалуйста."
PERSON = TransferTargets(targets={"operator": {}}, on_failure="operator")  # type: ignore[dict-item]
TALKING = AGENT.model_copy(update={"fillers": FILLERS, "say_again": AGAIN, "transfer": PERSON})
TIMES = TurnTimes()
SLACK = 0.2
VOICE_SECONDS = 0.3
LOOKS: FixedReply = [ToolCall("a", "look")]
NOTHING: FixedReply = []
DELAYED: FixedReply = [Delayed()]


def parts(replies: Sequence[FixedReply], agent: AgentProfile = TALKING, seconds: tuple[float, float] = (0, 0)) -> Parts:
    """`seconds` that the dialog takes to each reply, and the tool."""
    dialog, tool = seconds
    return replace(
        Parts(),
        agent=agent,
        voice=StampedVoice(first_delay_seconds=VOICE_SECONDS),
        recognizer=ScriptedRecognizer(["вопрос"]),
        dialog=ScriptedDialog(tuple(replies), first_delay_seconds=dialog),
        toolbox=ScriptedToolbox((LOOK,), {"look": {}}, delay_seconds=tool),
    )


async def ask(asked: Parts, questions: int = 1, seconds: float = 5.0) -> Stage:
    """Ask so often and listen for so many seconds after each question. The agent never asks whether anybody is there:
    that would be heard, too."""
    asked.limits = replace(asked.limits, times=TurnTimes(no_input=1000.0))
    async with open_stage(asked) as stage:
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        for _ in range(questions):
            await stage.asterisk.speak(0.5)
            await trio.sleep(seconds)
        stage.asterisk.hang_up()
    assert isinstance(asked.voice, StampedVoice)
    check_call(stage, asked.voice)
    return stage


def silences(stage: Stage, until: str) -> list[float]:
    """What silence there was from the end of the question on; the answer to it ends with `until`."""
    (asked, *_), phrase = turns_of(stage, "caller"), next(turn for turn in turns_of(stage, "agent")[1:])
    assert phrase.text.endswith(until)
    began = stage.leg.began
    agent = [message.at for message in stage.asterisk.frames() if read_stamp(message.payload) is not None]
    sounds = [began + asked.ended, *(at for at in agent if at > began + asked.ended)]
    return [later - earlier for earlier, later in pairwise(sounds)]


def turns_of(stage: Stage, role: str) -> list[TurnRecorded]:
    return [turn for turn in turns(stage) if turn.role == role]


# What is said


async def test_an_answer_without_a_word_is_spoken_for(autojump_clock: trio.testing.MockClock) -> None:
    stage = await ask(parts([NOTHING, "Есть."]), questions=2)
    (_, _, answer, _, last) = said(stage)
    assert (answer, last) == (("agent", AGAIN, False), ("agent", "Есть.", False))


async def test_tools_behind_words_and_then_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """What was said before was a promise: the caller waits for what follows it."""
    stage = await ask(parts([["Сейчас посмотрю.", ToolCall("a", "look")], NOTHING]))
    assert said(stage)[-1] == ("agent", f"Сейчас посмотрю. {AGAIN}", False)


async def test_a_dialog_that_looks_up_for_ever_is_stopped(autojump_clock: trio.testing.MockClock) -> None:
    stage = await ask(parts([LOOKS]))
    assert said(stage)[-1] == ("agent", AGAIN, False)
    tools = [entry for entry in stage.journal.entries if isinstance(entry, ToolRecorded)]
    assert len(tools) == TOOL_ROUNDS


async def test_words_that_nobody_hears_are_none(autojump_clock: trio.testing.MockClock) -> None:
    stage = await ask(parts([" \n ", "Есть."]), questions=2)
    assert [text for _, text, _ in said(stage)][2::2] == [AGAIN, "Есть."]


async def test_one_moment_is_no_answer(autojump_clock: trio.testing.MockClock) -> None:
    agent = TALKING.model_copy(update={"one_moment": "Одну минуту."})
    stage = await ask(parts([DELAYED], agent))
    assert said(stage)[-1] == ("agent", f"Одну минуту. {AGAIN}", False)


async def test_an_agent_without_the_phrase_asks_as_it_does_when_nothing_was_said(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stage = await ask(parts([NOTHING, "Есть."], TALKING.model_copy(update={"say_again": ""})), questions=2)
    assert said(stage)[2] == ("agent", AGENT.no_input[0], False)


# Again


async def test_after_the_second_time_a_person_takes_over(
    autojump_clock: trio.testing.MockClock, expect_error_log: ExpectErrorLog
) -> None:
    with expect_error_log("the dialog found no words"):
        stage = await ask(parts([NOTHING]), questions=2)
    assert said(stage)[-1] == ("agent", AGENT.transferring, False)
    assert (closed(stage).outcome, stage.ending and stage.ending.target) == ("transferred", "operator")


async def test_where_nobody_is_named_the_call_ends_with_the_apology(
    autojump_clock: trio.testing.MockClock, expect_error_log: ExpectErrorLog
) -> None:
    agent = TALKING.model_copy(update={"say_again": "", "no_input": (), "transfer": TransferTargets()})
    asked = parts([NOTHING], agent)
    with expect_error_log("the dialog found no words"):
        async with open_stage(asked) as stage:
            await stage.asterisk.agent_speaks()
            await stage.asterisk.agent_silent()
            await stage.asterisk.speak(0.5)
    assert closed(stage).outcome == "failed"
    assert isinstance(asked.voice, StampedVoice)
    assert spoken_frames(stage, asked.voice)[-1].text == AGENT.apology


# Never in silence


async def never_silent(delays: tuple[float, float], replies: Sequence[FixedReply]) -> None:
    rounds = TOOL_ROUNDS if replies == [LOOKS] else len(replies)
    stage = await ask(parts(replies, seconds=delays), seconds=(rounds + 1) * sum(delays) + 5.0)
    first, *others = silences(stage, AGAIN)
    assert first <= TIMES.end_pause + SILENCE_SECONDS + VOICE_SECONDS + SLACK
    assert max(others) <= AGAIN_SECONDS + VOICE_SECONDS + SLACK


@settings(max_examples=40, deadline=None)
@example((2.0, 2.9), [LOOKS])
@example((0.0, 0.0), [NOTHING])
@given(
    st.tuples(st.sampled_from((0.0, 0.5, 2.0, 7.0)), st.sampled_from((0.0, 0.7, 2.9))),
    st.lists(st.just(LOOKS), max_size=TOOL_ROUNDS - 1).map(lambda looks: [*looks, NOTHING]) | st.just([LOOKS]),
)
def test_whoever_waits_for_a_dialog_without_words_hears_something(
    delays: tuple[float, float], replies: Sequence[FixedReply]
) -> None:
    """However many rounds of tools, and however slow: a filler, and another, and then an answer."""
    run_virtual(never_silent, delays, replies)


async def test_an_agent_without_fillers_is_not_silent_for_ever(autojump_clock: trio.testing.MockClock) -> None:
    agent = TALKING.model_copy(update={"fillers": (), "one_moment": "Одну минуту."})
    stage = await ask(parts([LOOKS], agent, seconds=(4.0, 2.0)), seconds=40.0)
    silence = max(silences(stage, AGAIN))
    assert LONGEST_SECONDS - SLACK <= silence - TIMES.end_pause <= LONGEST_SECONDS + VOICE_SECONDS + SLACK
    assert said(stage)[-1][1].count("Одну минуту.") == 3
