"""What a caller at a telephone notices: the greeting, keys that are understood, an agent that stops for speech."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.asterisk.callers import record
from tests.asterisk.comparison import compare
from tests.asterisk.conftest import Figure
from tests.asterisk.heard import audio_of, is_sound
from tests.asterisk.instance import Pbx
from tests.asterisk.nodes import GREETING, Nodes
from tests.asterisk.phone import Phone, open_phone
from tests.asterisk.recorded import CLIPS, TEXTS, clip_samples, clips_of, recorded_settings, speech_of
from tests.engine_process import EngineProcess

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

NAME = 'Анна "Нюра", склад \\ 2'
GOODBYE = "До свидания."  # the obedient dialog's
PAUSE_SECONDS = 1.2  # longer than any in the recordings
SAID = clip_samples(CLIPS[0])


async def dial(phone: Phone, call_id: UUID) -> None:
    """Call the agent as this call."""
    assert await phone.dial("100", NAME, {"X-Call-UUID": str(call_id)})


async def turns(engine: EngineProcess, call_id: UUID, role: str) -> list[dict[str, Any]]:
    """One side of the conversation, from the record of a call that is over."""
    closed = await record(engine, call_id, closed=True)
    return [turn for turn in closed["turns"] if turn["role"] == role]


async def test_a_call_is_answered_greeted_and_known_by_its_name(
    pbx: Pbx, nodes: Nodes, tmp_path: Path, figure: Figure
) -> None:
    call_id = uuid4()
    with nodes.open("a", **recorded_settings(tmp_path)) as engine:
        async with open_phone(("127.0.0.1", pbx.ports.sip)) as phone:
            await dial(phone, call_id)
            assert await phone.agent_silent(PAUSE_SECONDS)
            await phone.hang_up()
        closed = await record(engine, call_id, closed=True)
    heard = audio_of(phone.heard)
    found = compare(speech_of(GREETING), heard.samples)
    assert found.differences == ()
    assert closed["name"] == NAME
    assert closed["outcome"] == "abandoned"
    figure("INVITE to answer", phone.answered_at - phone.invited_at)
    figure("answer to first packet", phone.heard[0].at - phone.answered_at)
    figure("answer to greeting", heard.time_of(found.begin) - phone.answered_at)


async def test_keys_are_understood_after_speech_and_in_the_middle_of_it(pbx: Pbx, nodes: Nodes, tmp_path: Path) -> None:
    call_id = uuid4()
    with nodes.open("a", **recorded_settings(tmp_path)) as engine:
        async with open_phone(("127.0.0.1", pbx.ports.sip)) as phone:
            await dial(phone, call_id)
            assert await phone.agent_silent(PAUSE_SECONDS)
            assert await phone.press("42#")
            assert await phone.agent_silent(PAUSE_SECONDS)
            phone.mouth.say(SAID)
            phone.mouth.press("7")
            assert await phone.say(SAID)
            assert await phone.agent_silent(PAUSE_SECONDS)
            await phone.hang_up()
        said = await turns(engine, call_id, "caller")
    assert said[0]["text"] == "42"
    assert "7" in said[1]["text"]


async def test_an_agents_goodbye_is_heard_to_its_last_sample(pbx: Pbx, nodes: Nodes, tmp_path: Path) -> None:
    call_id = uuid4()
    pbx.set_globals(CE_FIELDS="do=hangup")
    with nodes.open("a", **recorded_settings(tmp_path)) as engine:
        async with open_phone(("127.0.0.1", pbx.ports.sip)) as phone:
            await dial(phone, call_id)
            assert await phone.agent_silent(PAUSE_SECONDS)
            assert await phone.say(SAID)
            await phone.over()
        said = await turns(engine, call_id, "agent")
    assert [turn["text"] for turn in said] == [GREETING, GOODBYE]
    assert compare(speech_of(GOODBYE), audio_of(phone.heard).samples).differences == ()
    assert phone.ending is not None
    assert (phone.ending.by, phone.ending.reason) == ("them", "Q.850;cause=16")


async def test_an_agent_that_is_spoken_over_stops_listens_and_answers(
    pbx: Pbx, nodes: Nodes, tmp_path: Path, figure: Figure
) -> None:
    call_id = uuid4()
    with nodes.open("a", **recorded_settings(tmp_path)) as engine:
        async with open_phone(("127.0.0.1", pbx.ports.sip)) as phone:
            await dial(phone, call_id)
            assert await phone.agent_speaking()
            assert await phone.sleep(len(clips_of(GREETING)[0]) / 8000 + 0.5)  # the first word, and some of the next
            before = len(phone.sent)
            assert await phone.say(SAID)
            after = len(phone.heard)
            assert await phone.agent_silent(PAUSE_SECONDS)
            await phone.hang_up()
        agent, caller = await turns(engine, call_id, "agent"), await turns(engine, call_id, "caller")
    began = next(timed.at for timed in phone.sent[before:] if is_sound(timed.packet))
    sounds = [index for index, timed in enumerate(phone.heard[:after]) if is_sound(timed.packet)]
    figure("speech over the agent to its silence", phone.heard[sounds[-1]].at - began)
    heard = audio_of(phone.heard[: sounds[-1] + 1]).samples
    greeting = compare(speech_of(GREETING), heard)
    assert [difference.kind for difference in greeting.differences] == ["missing"], "cut off once, and nothing else"
    assert greeting.differences[0].said.end == len(speech_of(GREETING))
    assert greeting.differences[0].heard.begin >= len(heard) - 160, "up to a last frame that fades"
    assert (agent[0]["text"], agent[0]["interrupted"]) == (" ".join(GREETING.split()[:2]), True)
    assert caller[0]["text"] in TEXTS
    assert compare(speech_of(agent[1]["text"]), audio_of(phone.heard).samples).differences == ()
