"""Whole calls in virtual time, to the millisecond: who speaks when, and what the record says afterwards."""

import math

import pytest
import trio

from backends.dialog.fixed import ScriptedDialog
from backends.stt.scripted import ScriptedRecognizer
from backends.tts.scripted import ScriptedVoice
from callengine.call.parts import CallLimits
from callengine.call.timing import STAGES
from callengine.ports.journal import CallClosed, ToolRecorded, TurnRecorded
from callengine.ports.reasoning import END_CALL, TRANSFER
from callengine.ports.tools import ToolCall, ToolSpec
from callengine.services.scripted_tools import ScriptedToolbox
from tests.sim.call import Parts, Stage, open_stage

PAUSE = 0.5  # TurnTimes.end_pause
GOODBYE = ToolCall("1", END_CALL.name)
LOOK = ToolSpec("look", "Look it up.", {"type": "object", "properties": {}})


def turns(stage: Stage) -> list[tuple[str, str, bool]]:
    """The recorded turns, in order."""
    entries = [entry for entry in stage.journal.entries if isinstance(entry, TurnRecorded)]
    return [(turn.role, turn.text, turn.interrupted) for turn in sorted(entries, key=lambda turn: turn.sequence)]


def closed(stage: Stage) -> CallClosed:
    """The one closing entry."""
    (entry,) = [entry for entry in stage.journal.entries if isinstance(entry, CallClosed)]
    return entry


async def greeted(stage: Stage) -> None:
    """Let the greeting pass."""
    await stage.asterisk.agent_speaks()
    await stage.asterisk.agent_silent()
    await trio.sleep(0.5)


async def test_greets_at_once_and_never_leaves_a_gap(autojump_clock: trio.testing.MockClock) -> None:
    async with open_stage(Parts()) as stage:
        began = trio.current_time()
        assert await stage.asterisk.agent_speaks() - began <= 0.1
        await greeted(stage)
        stage.asterisk.hang_up()
    assert stage.asterisk.frames()[0].at - began <= 0.02
    assert all(math.isclose(spacing, 0.02, abs_tol=1e-6) for spacing in stage.asterisk.spacings())
    assert closed(stage).outcome == "abandoned"


async def test_answers_a_pause_after_the_callers_last_word(autojump_clock: trio.testing.MockClock) -> None:
    async with open_stage(Parts()) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.5)
        ended = trio.current_time()
        answered = await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        stage.asterisk.hang_up()
    # the engine's own part beyond the pause: one window of the detector and one frame
    assert PAUSE <= answered - ended <= PAUSE + 0.06
    assert turns(stage)[1:] == [
        ("caller", "есть зимние шины?", False),
        ("agent", "Да, есть зимние шины на любой вкус.", False),
    ]
    timings = next(e.timings for e in stage.journal.entries if isinstance(e, TurnRecorded) and e.sequence == 3)
    assert timings["response"] == pytest.approx(answered - ended, abs=0.04)
    assert sum(timings[stage] for stage in STAGES) == pytest.approx(timings["response"], abs=0.01)


async def test_says_goodbye_in_full_and_hangs_up(autojump_clock: trio.testing.MockClock) -> None:
    parts = Parts(dialog=ScriptedDialog((["Всего доброго, до свидания.", GOODBYE],)))
    async with open_stage(parts) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.0)
    assert stage.ending is not None and stage.ending.outcome == "completed"
    assert stage.asterisk.sent[-1].kind == 0x00, "nothing after the hang-up"
    assert sum(message.kind == 0x00 for message in stage.asterisk.sent) == 1
    speech = sum(message.speech for message in stage.asterisk.frames()[-80:])
    assert speech >= 70, "the goodbye was cut short"
    assert turns(stage)[-1] == ("agent", "Всего доброго, до свидания.", False)


async def test_goodbye_is_not_interrupted(autojump_clock: trio.testing.MockClock) -> None:
    parts = Parts(dialog=ScriptedDialog((["Всего доброго, до свидания, звоните нам ещё.", GOODBYE],)))
    async with open_stage(parts) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.0)
        await stage.asterisk.agent_speaks()
        stage.asterisk.talk(2.0)
    assert turns(stage)[-1] == ("agent", "Всего доброго, до свидания, звоните нам ещё.", False)


async def test_transfers_to_the_default_target(autojump_clock: trio.testing.MockClock) -> None:
    parts = Parts(dialog=ScriptedDialog((["Соединяю.", ToolCall("1", TRANSFER.name, {"target": "nobody knows"})],)))
    async with open_stage(parts) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.0)
    assert stage.ending is not None
    assert (stage.ending.outcome, stage.ending.target) == ("transferred", "operator")


async def test_barge_in_silences_the_agent_within_a_frame_of_the_decision(
    autojump_clock: trio.testing.MockClock,
) -> None:
    parts = Parts(dialog=ScriptedDialog(("Это очень длинный ответ, который никто не дослушает до самого конца. " * 3,)))
    async with open_stage(parts) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.0)
        await stage.asterisk.agent_speaks()
        await trio.sleep(1.0)
        began = trio.current_time()
        stage.asterisk.talk(1.2)
        silent = await stage.asterisk.agent_silent()
        await stage.asterisk.agent_speaks()
        stage.asterisk.hang_up()
    # decided 200 ms after the first frame of speech; then at most one fading frame
    assert silent - began <= 0.2 + 0.04
    last = [message for message in stage.asterisk.frames() if message.speech and message.at < silent][-1]
    assert abs(int.from_bytes(last.payload[-2:], "little", signed=True)) < 100, "the last frame does not fade"
    role, text, interrupted = turns(stage)[2]
    assert (role, interrupted) == ("agent", True)
    assert text and "Это очень длинный ответ, который никто не дослушает".startswith(text)


async def test_a_noise_over_the_agent_is_followed_by_the_rest_of_the_answer(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The recogniser hears no word in what the detector took for speech: the agent goes on where it stopped."""
    answer = "Это длинный ответ, который будет дослушан до самого конца."
    parts = Parts(dialog=ScriptedDialog((answer,)), recognizer=ScriptedRecognizer(["вопрос", ""]))
    async with open_stage(parts) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.0)
        answered = await stage.asterisk.agent_speaks()
        await trio.sleep(1.0)
        stage.asterisk.talk(0.4)
        silent = await stage.asterisk.agent_silent()
        resumed = await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        await trio.sleep(1.0)
        stage.asterisk.hang_up()
    assert resumed - silent <= 2.0
    assert turns(stage)[2:] == [("agent", answer, False)]
    timed = next(e for e in stage.journal.entries if isinstance(e, TurnRecorded) and e.sequence == 3)
    assert timed.timings["response"] < PAUSE + 0.1, "an answer begins once, however often it is paused"
    assert timed.started + stage.leg.began == pytest.approx(answered, abs=0.03)


async def test_the_caller_goes_on_while_the_agent_thinks(autojump_clock: trio.testing.MockClock) -> None:
    """Two bursts with a pause between them that ended the turn: one question, one answer."""
    dialog = ScriptedDialog(("Отвечаю на всё сразу.",), first_delay_seconds=2.0)
    recognizer = ScriptedRecognizer(["есть зимние шины", "на семнадцать?"])
    async with open_stage(Parts(dialog=dialog, recognizer=recognizer)) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.0)
        await trio.sleep(0.9)
        await stage.asterisk.speak(1.0)
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        stage.asterisk.hang_up()
    assert turns(stage)[1:] == [
        ("caller", "есть зимние шины на семнадцать?", False),
        ("agent", "Отвечаю на всё сразу.", False),
    ]


async def test_a_late_final_corrects_the_record(autojump_clock: trio.testing.MockClock) -> None:
    """An interim serves when the final takes its time; the record says what the final says."""
    recognizer = ScriptedRecognizer(
        ["есть зимние шины на семнадцать"], final_delay_seconds=3.0, interim_every_seconds=0.3
    )
    parts = Parts(
        recognizer=recognizer, dialog=ScriptedDialog(("Сейчас посмотрю, подождите немного, пожалуйста. " * 2,))
    )
    async with open_stage(parts) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.0)
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        stage.asterisk.hang_up()
    assert turns(stage)[1] == ("caller", "есть зимние шины на семнадцать", False)


async def test_nobody_speaks(autojump_clock: trio.testing.MockClock) -> None:
    """Two gentle questions, then goodbye."""
    async with open_stage(Parts()) as stage:
        pass
    agent = Parts().agent
    assert stage.ending is not None and stage.ending.outcome == "no_input"
    assert [text for _, text, _ in turns(stage)] == [agent.greeting, *agent.no_input, agent.goodbye]


async def test_a_call_has_its_longest_time(autojump_clock: trio.testing.MockClock) -> None:
    parts = Parts(limits=CallLimits(max_seconds=5.0))
    async with open_stage(parts) as stage:
        pass
    assert stage.ending is not None and stage.ending.outcome == "too_long"
    assert turns(stage)[-1] == ("agent", parts.agent.too_long, False)
    assert closed(stage).seconds < 5.0 + len(parts.agent.too_long) * 0.06 + 0.2


async def test_keys_are_an_utterance(autojump_clock: trio.testing.MockClock) -> None:
    async with open_stage(Parts()) as stage:
        await greeted(stage)
        stage.asterisk.press("1042#")
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        stage.asterisk.hang_up()
    assert turns(stage)[1][:2] == ("caller", "1042")


async def looking(*asked: ToolCall) -> Stage:
    """A caller whose question wants these tools, all of which take a second."""
    dialog = ScriptedDialog((["Сейчас посмотрю.", *asked], "Есть четыре штуки."))
    parts = Parts(dialog=dialog, toolbox=ScriptedToolbox((LOOK,), {"look": {"count": 4}}, delay_seconds=1.0))
    async with open_stage(parts) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.0)
        await stage.asterisk.agent_speaks()
        await trio.sleep(5.0)
        stage.asterisk.hang_up()
    return stage


async def test_a_tool_is_run_and_recorded_between_the_turns(autojump_clock: trio.testing.MockClock) -> None:
    stage = await looking(ToolCall("a", "look"))
    assert turns(stage)[2] == ("agent", "Сейчас посмотрю. Есть четыре штуки.", False)
    record = await stage.journal.call(closed(stage).call_id)
    assert record is not None
    (tool,) = record.tools
    assert (tool.name, tool.is_error) == ("look", False)
    assert tool.seconds == pytest.approx(1.0)
    assert record.turns[1].sequence < tool.sequence < record.turns[2].sequence


async def test_tools_asked_for_together_run_together(autojump_clock: trio.testing.MockClock) -> None:
    asked = [ToolCall("a", "look"), ToolCall("b", "look"), ToolCall("c", "look")]
    stage = await looking(*asked)
    tools = [entry for entry in stage.journal.entries if isinstance(entry, ToolRecorded)]
    assert len(tools) == len(asked)
    assert len({tool.started for tool in tools}) == 1
    assert all(tool.seconds == pytest.approx(1.0) for tool in tools)


async def test_a_broken_stream_loses_no_word(autojump_clock: trio.testing.MockClock) -> None:
    """The stream breaks in mid-utterance: the next one begins at the last final and hears the whole of it."""
    parts = Parts(recognizer=ScriptedRecognizer(["есть зимние шины?"], fail_after=4.5))
    async with open_stage(parts) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.5)
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        stage.asterisk.hang_up()
    assert turns(stage)[1] == ("caller", "есть зимние шины?", False)


@pytest.mark.parametrize(("seconds", "before"), [(3.0, ()), (12.0, ("Одну минуту, пожалуйста.",))])
async def test_silence_goes_out_however_slow_everything_is(
    autojump_clock: trio.testing.MockClock, seconds: float, before: tuple[str, ...]
) -> None:
    """`before`: what is said of an answer that takes so long."""
    parts = Parts(
        dialog=ScriptedDialog(("Наконец-то ответ.",), first_delay_seconds=seconds),
        voice=ScriptedVoice(first_delay_seconds=seconds),
        recognizer=ScriptedRecognizer(["вопрос"], final_delay_seconds=1.0),
    )
    async with open_stage(parts) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.0)
        for _ in (*before, "the answer"):
            await stage.asterisk.agent_speaks()
            await stage.asterisk.agent_silent()
        stage.asterisk.hang_up()
    assert all(math.isclose(spacing, 0.02, abs_tol=1e-6) for spacing in stage.asterisk.spacings())
    assert turns(stage)[-1] == ("agent", " ".join((*before, "Наконец-то ответ.")), False)
