"""The longest call, in virtual time: its end is announced a minute before, in a pause, never over the caller."""

from dataclasses import replace

import pytest
import trio
import trio.testing

from backends.dialog.fixed import ScriptedDialog
from backends.stt.scripted import ScriptedRecognizer
from callengine.call.parts import CallLimits
from tests.sim.call import Parts, open_stage
from tests.sim.checks import check_call, closed, said, spoken_frames
from tests.sim.plays import AGENT
from tests.sim.stamped import StampedVoice, read_stamp

WARNING = "Осталась одна минута."
LONGEST = 125.0
WARNS = LONGEST - 60
TALKATIVE = AGENT.model_copy(update={"ending_soon": WARNING, "no_input": ("Слушаю вас.",) * 40})


def parts(answer: str = "Да, есть.", longest: float = LONGEST) -> Parts:
    """A caller who keeps saying the same."""
    recognizer, dialog = ScriptedRecognizer(["шины"] * 60), ScriptedDialog((answer,) * 60)
    limits = CallLimits(max_seconds=longest)
    return replace(Parts(), agent=TALKATIVE, voice=StampedVoice(), recognizer=recognizer, dialog=dialog, limits=limits)


async def talk(asked: Parts, every: float, seconds: float) -> list[tuple[float, str]]:
    """A caller who speaks so often and so long; when the agent's prompts began on the wire, with their texts."""
    spoken: list[tuple[float, float]] = []
    assert isinstance(asked.voice, StampedVoice)
    async with open_stage(asked) as stage:
        await trio.sleep(2.0)
        while not stage.ended.is_set() and stage.asterisk.closed_at is None:
            spoken.append((trio.current_time(), trio.current_time() + seconds))
            await stage.asterisk.speak(seconds)
            await trio.sleep(every - seconds)
    check_call(stage, asked.voice)
    assert closed(stage).outcome == "too_long"
    began: list[tuple[float, str]] = []
    last = -1
    for message in stage.asterisk.frames():
        stamp = read_stamp(message.payload)
        if stamp is not None and stamp.number != last:
            last = stamp.number
            began.append((message.at - stage.leg.began, asked.voice.texts[last]))
    (warned,) = [at for at, text in began if text == WARNING]
    over = [span for span in spoken if span[0] - stage.leg.began + 0.25 < warned < span[1] - stage.leg.began]
    assert not over, "the warning was said over the caller"
    return began


async def test_the_end_is_announced_a_minute_before(autojump_clock: trio.testing.MockClock) -> None:
    began = await talk(parts(), 8.0, 1.0)
    (warned,) = [at for at, text in began if text == WARNING]
    assert WARNS <= warned < WARNS + 8.0


async def test_who_is_asked_answers_first(autojump_clock: trio.testing.MockClock) -> None:
    began = await talk(parts("Какой размер вам нужен?"), 6.0, 1.0)
    (warned,) = [at for at, text in began if text == WARNING]
    assert WARNS + 15.0 <= warned < WARNS + 25.0


@pytest.mark.parametrize(("every", "seconds"), [(4.0, 0.4), (5.3, 3.0), (7.7, 2.2), (10.9, 1.3)])
async def test_it_is_said_once_and_never_over_the_caller(
    autojump_clock: trio.testing.MockClock, every: float, seconds: float
) -> None:
    await talk(parts(), every, seconds)


async def test_a_short_limit_has_no_warning(autojump_clock: trio.testing.MockClock) -> None:
    asked = parts(longest=90.0)
    async with open_stage(asked) as stage:
        await stage.ended.wait()
    assert isinstance(asked.voice, StampedVoice)
    assert WARNING not in [part.text for part in spoken_frames(stage, asked.voice)]
    assert said(stage)[-1][1] == TALKATIVE.too_long
