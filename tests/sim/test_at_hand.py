"""Sentences that need no making, in virtual time: what waited for room is not said once the caller has the word."""

from dataclasses import replace

import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backends.dialog.fixed import ScriptedDialog
from backends.stt.scripted import ScriptedRecognizer
from tests.sim.call import Parts, open_stage, run_virtual
from tests.sim.checks import check_call, said
from tests.sim.plays import AGENT
from tests.sim.stamped import StampedVoice

SENTENCES = tuple(
    f"{number} комплектов зимних шин стоят на складе за городом, их можно забрать уже завтра." for number in range(2, 9)
)


async def interrupt(after: float, at_hand: tuple[bool, ...]) -> None:
    """Speech is made six seconds ahead; an interruption makes room, and wakes whoever waited for it."""
    voice = StampedVoice()
    known = [sentence for sentence, known in zip(SENTENCES, at_hand, strict=True) if known]
    await voice.warm(tuple(AGENT.prompt(sentence) for sentence in known))
    parts = replace(
        Parts(),
        agent=AGENT,
        voice=voice,
        recognizer=ScriptedRecognizer(["что есть?", "стойте"], interim_every_seconds=0.2),
        dialog=ScriptedDialog((" ".join(SENTENCES), "Слушаю.")),
    )
    async with open_stage(parts) as stage:
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        await stage.asterisk.speak(0.6)
        await stage.asterisk.agent_speaks()
        await trio.sleep(after)
        await stage.asterisk.speak(0.8)
        await trio.sleep(4.0)
        stage.asterisk.hang_up()
    check_call(stage, voice)
    assert [text for role, text, _ in said(stage)][-2:] == ["стойте", "Слушаю."]


@settings(max_examples=25, deadline=None)
@example(2.0, (True,) * len(SENTENCES))
@given(st.floats(0.4, 7.0), st.tuples(*[st.booleans()] * len(SENTENCES)))
def test_what_is_at_hand_is_not_said_after_an_interruption(after: float, at_hand: tuple[bool, ...]) -> None:
    run_virtual(interrupt, after, at_hand)
