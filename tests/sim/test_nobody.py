"""Calls without a person, whole, in virtual time: fax machines, answering machines, a line without a sound."""

from dataclasses import replace

import numpy as np
import pytest
import trio
import trio.testing
from prometheus_client import REGISTRY

from backends.stt.scripted import ScriptedRecognizer
from callengine.call.parts import Ending
from callengine.media.audio import FRAME_SAMPLES, RATE
from tests.sim.asterisk import HEADER, SimulatedAsterisk
from tests.sim.call import Parts, Stage, open_stage
from tests.sim.checks import check_call, closed, said
from tests.sim.plays import AGENT
from tests.sim.stamped import StampedVoice

NAMES = ("fax", "voicemail", "silent line")


def parts(*texts: str) -> Parts:
    return replace(Parts(), agent=AGENT, voice=StampedVoice(), recognizer=ScriptedRecognizer(texts))


def counted() -> dict[str, float]:
    return {name: REGISTRY.get_sample_value("callengine_nobody_total", {"what": name}) or 0.0 for name in NAMES}


def frame_of(hertz: float) -> bytes:
    """20 ms of a tone whose periods fit, as everything of these machines' does."""
    samples = np.arange(FRAME_SAMPLES)
    return HEADER + (6000 * np.sin(2 * np.pi * hertz * samples / RATE)).astype("<i2").tobytes()


async def sound(asterisk: SimulatedAsterisk, hertz: float, seconds: float) -> None:
    asterisk.raw = frame_of(hertz)
    await trio.sleep(seconds)
    asterisk.raw = b""


async def ended(stage: Stage, voice: object) -> Ending:
    await stage.ended.wait()
    assert isinstance(voice, StampedVoice)
    check_call(stage, voice)
    assert stage.ending is not None
    assert closed(stage).detail == stage.ending.detail
    return stage.ending


async def test_a_calling_fax_is_hung_up_on_after_its_second_tone(autojump_clock: trio.testing.MockClock) -> None:
    before, asked = counted(), parts()
    async with open_stage(asked) as stage:
        await trio.sleep(1.0)
        for _ in range(2):
            await sound(stage.asterisk, 1100, 0.5)
            await trio.sleep(3.0)
        assert await ended(stage, asked.voice) == Ending("no_input", "fax")
    assert closed(stage).seconds < 6.0
    assert counted() == {**before, "fax": before["fax"] + 1}


async def test_an_answering_fax_is_hung_up_on(autojump_clock: trio.testing.MockClock) -> None:
    asked = parts()
    async with open_stage(asked) as stage:
        await trio.sleep(0.5)
        await sound(stage.asterisk, 2100, 3.0)
        assert await ended(stage, asked.voice) == Ending("no_input", "fax")
    assert closed(stage).seconds < 4.5


async def test_an_answering_machine_gets_no_answer(autojump_clock: trio.testing.MockClock) -> None:
    before, asked = counted(), parts("Вы позвонили Ивану, оставьте сообщение после сигнала.")
    async with open_stage(asked) as stage:
        await trio.sleep(0.3)
        await stage.asterisk.speak(5.0)
        assert await ended(stage, asked.voice) == Ending("no_input", "voicemail")
    assert closed(stage).seconds < 7.0
    assert [role for role, *_ in said(stage)] == ["agent"], "the greeting, as far as it came"
    assert counted() == {**before, "voicemail": before["voicemail"] + 1}


async def test_a_machine_in_a_language_we_do_not_know_beeps(autojump_clock: trio.testing.MockClock) -> None:
    asked = parts("Jätä viesti äänimerkin jälkeen, niin soitamme takaisin.")
    async with open_stage(asked) as stage:
        await trio.sleep(0.3)
        await stage.asterisk.speak(5.0)
        await trio.sleep(0.3)
        await sound(stage.asterisk, 1000, 0.4)
        assert await ended(stage, asked.voice) == Ending("no_input", "voicemail")


async def test_a_line_that_never_made_a_sound_is_told_apart(autojump_clock: trio.testing.MockClock) -> None:
    before, asked = counted(), parts()
    async with open_stage(asked) as stage:
        assert await ended(stage, asked.voice) == Ending("no_input", "silent line")
    assert said(stage)[-1][1] == AGENT.goodbye
    assert counted() == {**before, "silent line": before["silent line"] + 1}


@pytest.mark.parametrize("key", [False, True])
async def test_who_was_there_and_went_silent_is_no_silent_line(
    autojump_clock: trio.testing.MockClock, key: bool
) -> None:
    before, asked = counted(), parts("")
    async with open_stage(asked) as stage:
        await trio.sleep(3.0)
        if key:
            stage.asterisk.press("#")
        else:
            await stage.asterisk.speak(0.5)
        assert await ended(stage, asked.voice) == Ending("no_input", "")
    assert counted() == before
