"""What a person hears who takes a call over, on the leg that the dialplan makes from their side. Virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import trio
import trio.testing

from backends.dialog.fixed import ScriptedDialog
from callengine.media.leg import Leg
from callengine.media.marks import Identified
from callengine.ports.journal import CallOpened
from callengine.ports.reasoning import TRANSFER
from callengine.ports.tools import ToolCall
from tests.conftest import ExpectErrorLog
from tests.sim.asterisk import FIRST_UUID, SimulatedAsterisk
from tests.sim.call import Parts
from tests.sim.engine import Line, Play, open_play
from tests.sim.stamped import StampedVoice, spoken
from tests.sim.test_handover import OPEN

SUMMARY = ("Анна ищет зимние шины.", "Нашли две модели, обе есть на складе.")


@dataclass(slots=True)
class Told:
    """A person who is being told; `over` once the engine has let go of them."""

    person: SimulatedAsterisk
    voice: StampedVoice
    over: trio.Event

    def heard(self) -> list[str]:
        return [part.text for part in spoken([sent.payload for sent in self.person.frames()], self.voice.texts)]


def parts_of(voice: StampedVoice, target: str = "boss") -> Parts:
    call = ToolCall("t", TRANSFER.name, {"target": target, "summary": " ".join(SUMMARY)})
    return Parts(dialog=ScriptedDialog(([call],)), agent=OPEN, voice=voice)


async def hand_over(play: Play) -> None:
    await play.asterisk.agent_speaks()
    await play.asterisk.agent_silent()
    await play.asterisk.speak(0.8)
    await play.over.wait()


@asynccontextmanager
async def open_told(play: Play, voice: StampedVoice) -> AsyncIterator[Told]:
    """The person is on the line, and the engine with them; leaving the block waits until it has let go."""
    connection = play.engine.announcement(FIRST_UUID)
    assert connection is not None
    told = Told(SimulatedAsterisk(connection), voice, trio.Event())
    async with trio.open_nursery() as nursery:
        leg = Leg(told.person, trio.current_time(), no_media_seconds=60.0)
        play.engine.clock.add(leg)
        nursery.start_soon(told.person.run)
        nursery.start_soon(serve, play, leg, told)  # noqa: ASYNC113 - nothing waits for its start
        yield told
        await told.over.wait()
        told.person.hang_up()


async def serve(play: Play, leg: Leg, told: Told) -> None:
    identified = await leg.marks.receive()
    assert isinstance(identified, Identified)
    await play.engine.answer(leg, identified.uuid)
    told.over.set()


async def test_the_summary_is_spoken_whole_and_is_no_call(autojump_clock: trio.testing.MockClock) -> None:
    voice = StampedVoice()
    async with open_play(parts_of(voice), Line(SimulatedAsterisk())) as play:
        await hand_over(play)
        async with open_told(play, voice) as told:
            pass
        assert told.heard() == list(SUMMARY)
    assert len([entry for entry in play.journal.entries if isinstance(entry, CallOpened)]) == 1


async def test_a_key_ends_it(autojump_clock: trio.testing.MockClock) -> None:
    voice = StampedVoice()
    async with open_play(parts_of(voice), Line(SimulatedAsterisk())) as play:
        await hand_over(play)
        async with open_told(play, voice) as told:
            pressed = await told.person.agent_speaks()
            told.person.press("#")
            await told.over.wait()
            assert trio.current_time() - pressed < 0.1
        assert told.heard() == [SUMMARY[0]]


async def test_a_person_who_hangs_up_ends_it(autojump_clock: trio.testing.MockClock) -> None:
    voice = StampedVoice()
    async with open_play(parts_of(voice), Line(SimulatedAsterisk())) as play:
        await hand_over(play)
        async with open_told(play, voice) as told:
            await told.person.agent_speaks()
            told.person.hang_up()
            await told.over.wait()


async def test_a_voice_that_fails_lets_go(
    autojump_clock: trio.testing.MockClock, expect_error_log: ExpectErrorLog
) -> None:
    voice = StampedVoice()
    async with open_play(parts_of(voice), Line(SimulatedAsterisk())) as play:
        await hand_over(play)
        voice.breaks[SUMMARY[0]] = 0
        with expect_error_log("announcement_failed"):
            async with open_told(play, voice) as told:
                pass
        assert told.heard() == []


async def test_no_place_for_it_leaves_nothing_in_the_record(autojump_clock: trio.testing.MockClock) -> None:
    voice = StampedVoice()
    async with open_play(parts_of(voice), Line(SimulatedAsterisk())) as play:
        await hand_over(play)
        connection = play.engine.announcement(FIRST_UUID)
        assert connection is not None
        play.engine.turn_away(connection)
    assert len([entry for entry in play.journal.entries if isinstance(entry, CallOpened)]) == 1


async def test_a_target_that_is_not_to_be_told(autojump_clock: trio.testing.MockClock) -> None:
    voice = StampedVoice()
    async with open_play(parts_of(voice, "operator"), Line(SimulatedAsterisk())) as play:
        await hand_over(play)
        assert play.engine.announcement(FIRST_UUID) is None
