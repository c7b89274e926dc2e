"""A recogniser that goes away in the middle of a call: the caller is told to wait, and what was said is answered."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
import trio
import trio.testing

from backends.stt.scripted import LIMITS, ScriptedRecognizer
from callengine.call.sources import AWAY_SECONDS
from callengine.errors import RecognizerError
from callengine.ports.recognition import RecognizerStream, StreamLimits, StreamSpec
from tests.conftest import ExpectErrorLog
from tests.sim.call import Parts, Stage, open_stage
from tests.sim.checks import check_call, check_record, check_wire, closed, said, spoken_frames
from tests.sim.deaf import DeafStream
from tests.sim.exchange import ASKED, check_exchange
from tests.sim.plays import AGENT
from tests.sim.stamped import StampedVoice

WAITING = "Одну минуту, пожалуйста."
PATIENT = AGENT.model_copy(update={"one_moment": WAITING, "fillers": ()})
DEAD_AIR_SECONDS = 7.6  # a phrase of waiting every 6 s, and what it takes to begin one


@dataclass(slots=True)
class AbsentRecognizer:
    """Its first stream breaks at `goes`; until `comes` no other opens, at once or after `opening` seconds. Then it is
    `inner`."""

    inner: ScriptedRecognizer
    goes: float
    comes: float
    opening: float = 0.0
    limits: StreamLimits = LIMITS

    async def check(self) -> None:
        await self.inner.check()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        if trio.current_time() < self.goes:
            yield DeafStream(breaks=self.goes)
        elif trio.current_time() < self.comes:
            await trio.sleep(self.opening)
            raise RecognizerError("away", retryable=True)
        else:
            async with self.inner.open_stream(spec, hints) as stream:
                yield stream


def silences(stage: Stage, voice: StampedVoice, since: float) -> list[float]:
    """Seconds between what the agent said, from when the caller fell silent to the end of the call."""
    heard = [message.at for message in stage.asterisk.frames() if message.speech and message.at > since]
    return [late - early for early, late in pairwise([since, *heard])]


# while the caller speaks, and behind; a server that refuses at once, and one whose machine is gone
@pytest.mark.parametrize("opening", [0.0, 4.0])
@pytest.mark.parametrize("goes", [0.5, 2.5, 3.6])
@pytest.mark.parametrize("away", [1.0, 4.5, 8.0, 15.0])
async def test_the_caller_is_told_to_wait_and_is_answered(
    goes: float, away: float, opening: float, autojump_clock: trio.testing.MockClock
) -> None:
    voice = StampedVoice()
    began = trio.current_time()
    recognizer = AbsentRecognizer(ScriptedRecognizer([ASKED]), began + goes, began + goes + away, opening)
    parts = replace(Parts(), recognizer=recognizer, voice=voice, agent=PATIENT)
    async with open_stage(parts) as stage:
        await trio.sleep(2.0)
        await stage.asterisk.speak(1.5)
        silent_from = trio.current_time()
        while "caller" not in [turn[0] for turn in said(stage)]:
            await trio.sleep(0.1)
        await trio.sleep(0.5)
        await stage.asterisk.agent_silent()
        stage.asterisk.hang_up()
    check_call(stage, voice)
    turns = [turn[:2] for turn in said(stage)]
    assert turns[0] == ("agent", AGENT.greeting)
    assert turns[-2:] == [("caller", ASKED), ("agent", "Да, есть зимние шины на любой вкус.")]
    waits = turns[1:-2]
    told = "nobody is asked whether they are there; the answer cuts the phrase off"
    assert all(role == "agent" and WAITING.startswith(text) for role, text in waits), told
    assert max(silences(stage, voice, silent_from)) <= DEAD_AIR_SECONDS
    if goes + away > 7.5:
        assert waits, "nothing for four seconds"


async def test_who_says_nothing_is_told_nothing(autojump_clock: trio.testing.MockClock) -> None:
    began = trio.current_time()
    recognizer = AbsentRecognizer(ScriptedRecognizer([ASKED]), began + 0.5, began + 7.0)
    await check_exchange(replace(Parts(), recognizer=recognizer, voice=StampedVoice(), agent=PATIENT), 7.5, 1.0)


@pytest.mark.parametrize("phrase", [WAITING, ""])
async def test_in_the_end_the_call_is_given_up_with_an_apology(
    phrase: str, expect_error_log: ExpectErrorLog, autojump_clock: trio.testing.MockClock
) -> None:
    voice, began = StampedVoice(), trio.current_time()
    recognizer = AbsentRecognizer(ScriptedRecognizer([]), began + 3.0, float("inf"))
    agent = PATIENT.model_copy(update={"one_moment": phrase})
    parts = replace(Parts(), recognizer=recognizer, voice=voice, agent=agent)
    with expect_error_log("call_failed"):
        async with open_stage(parts) as stage:
            await trio.sleep(2.0)
            await stage.asterisk.speak(1.5)
    check_wire(stage)
    check_record(stage)
    assert (closed(stage).outcome, stage.ending and stage.ending.outcome) == ("failed", "failed")
    assert spoken_frames(stage, voice)[-1].text == AGENT.apology
    assert AWAY_SECONDS <= closed(stage).seconds - 3.0 <= AWAY_SECONDS + 5.0
    heard = [turn[1] for turn in said(stage) if turn[0] == "agent"]
    assert heard[1:] == ([WAITING] * 3 if phrase else [])
