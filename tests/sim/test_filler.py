"""No dead air, in virtual time: fillers while the model or a tool works, cut by the answer, and in the record."""

from dataclasses import replace
from itertools import pairwise

import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.dialog.fixed import ScriptedDialog
from backends.stt.scripted import ScriptedRecognizer
from callengine.call.filler import AGAIN_SECONDS, SILENCE_SECONDS
from callengine.call.speaker import NEARLY_OVER_SECONDS
from callengine.ports.tools import ToolCall
from callengine.services.scripted_tools import ScriptedToolbox
from tests.sim.call import Parts, Stage, open_stage, run_virtual
from tests.sim.checks import check_call, said, spoken_frames
from tests.sim.plays import AGENT, LOOK
from tests.sim.stamped import StampedVoice, read_stamp

FILLERS = ("Секунду, пожалуйста, смотрю в базе.", "Ещё немного терпения.")
FILLING = AGENT.model_copy(update={"fillers": FILLERS})
ANSWER = "Есть четыре штуки."
FRAME = 0.02


def parts(dialog: ScriptedDialog, tool_seconds: float = 0.0) -> Parts:
    """A caller with one question; the phrases of the agent file are cached, as at an engine's start."""
    voice = StampedVoice()
    toolbox = ScriptedToolbox((LOOK,), {"look": "{}"}, delay_seconds=tool_seconds)
    return replace(
        Parts(),
        agent=FILLING,
        voice=voice,
        recognizer=ScriptedRecognizer(["вопрос"]),
        dialog=dialog,
        toolbox=toolbox,
    )


async def ask(asked: Parts, seconds: float) -> Stage:
    """A call that asks one thing and is listened to for so long after."""
    assert isinstance(asked.voice, StampedVoice)
    await asked.voice.warm(FILLING.fixed_prompts())
    async with open_stage(asked) as stage:
        await trio.sleep(1.0)
        await stage.asterisk.speak(0.5)
        await trio.sleep(seconds)
        stage.asterisk.hang_up()
    check_call(stage, asked.voice)
    return stage


def silences(stage: Stage) -> list[float]:
    """How long nothing was heard of the agent between two of its words, after the caller's question."""
    spoken = [message.at for message in stage.asterisk.frames() if read_stamp(message.payload) is not None]
    spoken = [at for at in spoken if at > 1.5]
    return [later - earlier for earlier, later in pairwise(spoken) if later - earlier > 1.5 * FRAME]


async def test_silence_while_the_model_thinks_is_filled(autojump_clock: trio.testing.MockClock) -> None:
    stage = await ask(parts(ScriptedDialog((ANSWER,), first_delay_seconds=9.0)), 14.0)
    first, second = FILLERS
    (*_, (role, text, interrupted)) = said(stage)
    assert (role, text, interrupted) == ("agent", f"{first} {second} {ANSWER}", False)
    (wait, last) = silences(stage)
    assert abs(wait - AGAIN_SECONDS) <= 2 * FRAME
    assert last < AGAIN_SECONDS


async def test_an_answer_that_is_quick_has_no_filler(autojump_clock: trio.testing.MockClock) -> None:
    stage = await ask(parts(ScriptedDialog((ANSWER,), first_delay_seconds=SILENCE_SECONDS - 0.05)), 4.0)
    assert said(stage)[-1] == ("agent", ANSWER, False)


async def test_silence_while_a_tool_works_is_filled(autojump_clock: trio.testing.MockClock) -> None:
    """Also in mid-answer: something was said, and then nothing."""
    dialog = ScriptedDialog((["Смотрю.", ToolCall("a", "look")], ANSWER))
    stage = await ask(parts(dialog, tool_seconds=3.0), 7.0)
    assert said(stage)[-1] == ("agent", f"Смотрю. {FILLERS[0]} {ANSWER}", False)
    assert all(silence <= SILENCE_SECONDS + 3.0 - 0.7 for silence in silences(stage))


async def cut(delay: float) -> None:
    asked = parts(ScriptedDialog((ANSWER,), first_delay_seconds=delay))
    stage = await ask(asked, 6.0)
    assert isinstance(asked.voice, StampedVoice)
    filler = next((part for part in spoken_frames(stage, asked.voice) if part.text == FILLERS[0]), None)
    length = len(FILLERS[0]) * FRAME
    if delay < SILENCE_SECONDS - FRAME:
        assert filler is None
    elif delay > SILENCE_SECONDS + 2 * FRAME:
        assert filler is not None
        over = delay - SILENCE_SECONDS
        if over < length - NEARLY_OVER_SECONDS - 2 * FRAME:
            assert filler.frames * FRAME <= over + 3 * FRAME, "the answer waited for the filler"
        elif over > length - NEARLY_OVER_SECONDS + 2 * FRAME:
            assert filler.whole, "a filler was cut that was nearly over"
    assert said(stage)[-1][1].endswith(ANSWER)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.1, 2.0))
def test_the_answer_cuts_the_filler_unless_it_is_nearly_over(delay: float) -> None:
    run_virtual(cut, delay)


async def interrupt(after: float) -> None:
    asked = parts(ScriptedDialog((ANSWER,), first_delay_seconds=4.0))
    assert isinstance(asked.voice, StampedVoice)
    await asked.voice.warm(FILLING.fixed_prompts())
    asked = replace(asked, recognizer=ScriptedRecognizer(["вопрос", "и ещё"]))
    async with open_stage(asked) as stage:
        await trio.sleep(1.0)
        await stage.asterisk.speak(0.5)
        await trio.sleep(after)
        await stage.asterisk.speak(0.6)
        await trio.sleep(8.0)
        stage.asterisk.hang_up()
    check_call(stage, asked.voice)
    assert [text for role, text, _ in said(stage) if role == "caller"] == ["вопрос и ещё"]


@settings(max_examples=30, deadline=None)
@given(st.floats(1.2, 3.0))
def test_a_caller_who_goes_on_over_a_filler_is_one_turn_and_the_filler_is_in_the_record(after: float) -> None:
    run_virtual(interrupt, after)
