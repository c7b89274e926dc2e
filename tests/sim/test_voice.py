"""The voice of a call in virtual time: the next sentence is made while one plays, none is lost with a voice."""

from itertools import pairwise

import trio
import trio.testing

from backends.dialog.fixed import ScriptedDialog
from backends.tts.scripted import ScriptedVoice
from callengine.ports.journal import TurnRecorded
from callengine.voices import compose_voice
from tests.sim.call import Parts, Stage, open_stage

ANSWER = (
    "Да, есть зимние шины на любой вкус и кошелёк. ",
    "Самые недорогие стоят четыре тысячи рублей за штуку. ",
    "Самые дорогие стоят двадцать тысяч рублей за штуку. ",
    "Приезжайте, всё покажем и расскажем.",
)


async def heard_answer(parts: Parts) -> tuple[Stage, list[float]]:
    """A caller asks and hears the answer out; the silences within it, in seconds."""
    async with open_stage(parts) as stage:
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        await trio.sleep(0.5)
        await stage.asterisk.speak(1.5)
        began = await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        await trio.sleep(1.0)
        stage.asterisk.hang_up()
    return stage, silences(stage, began)


def silences(stage: Stage, began: float) -> list[float]:
    """The times between two frames of speech of the answer that are longer than a frame's."""
    at = [frame.at for frame in stage.asterisk.frames() if frame.at >= began and frame.speech]
    return [after - before for before, after in pairwise(at) if after - before > 0.03]


def agent_said(stage: Stage) -> str:
    turns = [entry for entry in stage.journal.entries if isinstance(entry, TurnRecorded) and entry.role == "agent"]
    return max(turns, key=lambda turn: turn.sequence).text


async def test_the_next_sentence_is_made_while_one_plays(autojump_clock: trio.testing.MockClock) -> None:
    """Each sentence takes the voice a second: only the first one is waited for."""
    voice = ScriptedVoice(first_delay_seconds=1.0)
    stage, gaps = await heard_answer(Parts(voice=voice, dialog=ScriptedDialog(("".join(ANSWER),))))
    assert gaps == []
    assert agent_said(stage) == "".join(ANSWER)


async def test_a_voice_that_is_slower_than_speech_is_heard_with_gaps(autojump_clock: trio.testing.MockClock) -> None:
    """The measure above measures: a voice that takes ten seconds a sentence cannot be hidden."""
    voice = ScriptedVoice(first_delay_seconds=10.0)
    async with open_stage(Parts(voice=voice, dialog=ScriptedDialog(("".join(ANSWER),)))) as stage:
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        await trio.sleep(0.5)
        await stage.asterisk.speak(1.5)
        began = await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        await stage.asterisk.agent_speaks()
        stage.asterisk.hang_up()
    (gap,) = silences(stage, began)
    assert gap > 5.0


async def test_the_history_has_figures_as_they_were_written(autojump_clock: trio.testing.MockClock) -> None:
    text = "Шины 205/55 R16 стоят 12 500 ₽ за штуку."
    voice = compose_voice(ScriptedVoice())
    stage, _ = await heard_answer(Parts(voice=voice, dialog=ScriptedDialog((text,))))
    assert agent_said(stage) == text


async def test_a_voice_that_fails_in_mid_call_is_followed_by_the_spare_one(
    autojump_clock: trio.testing.MockClock,
) -> None:
    voice = compose_voice(ScriptedVoice(fail_after=2), ScriptedVoice())
    stage, _ = await heard_answer(Parts(voice=voice, dialog=ScriptedDialog(("".join(ANSWER),))))
    assert agent_said(stage) == "".join(ANSWER)
