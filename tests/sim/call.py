"""A whole call in virtual time: the real clock, leg and tasks between a simulated Asterisk and scripted backends."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

import trio
import trio.testing

from backends.dialog.fixed import ScriptedDialog
from backends.stt.scripted import ScriptedRecognizer
from backends.tts.scripted import ScriptedVoice
from callengine.agent import AgentProfile, load_agent
from callengine.call.call import run_call
from callengine.call.parts import Call, CallLimits, Ending, Recorder, Services
from callengine.media.admission import Admission
from callengine.media.clock import MediaClock
from callengine.media.confirm import serve_confirmation
from callengine.media.leg import Leg
from callengine.media.marks import Identified, LineEnded
from callengine.media.silero import LevelModel, SpeechModel
from callengine.ports.control import Control
from callengine.ports.reasoning import Dialog
from callengine.ports.recognition import Recognizer
from callengine.ports.synthesis import Voice
from callengine.ports.tools import CallerContext, Toolbox
from callengine.ports.turn_end import TurnEnd
from callengine.prices import Prices
from callengine.services.memory import MemoryJournal, MemoryRegistry
from callengine.services.no_control import NoControl
from callengine.services.scripted_tools import ScriptedToolbox
from tests.sim.asterisk import FIRST_UUID, SimulatedAsterisk

__all__ = ["Admission", "Parts", "Stage", "open_clock", "open_stage", "run_virtual", "services_of"]


LONGEST_PLAY = 600.0
# without fillers: a play is about what it says, and `test_filler` about them
_AGENT = load_agent(None, "ru-RU").model_copy(update={"fillers": ()})


@dataclass(slots=True)
class Parts:
    """What a simulated call is made of; replace what a test is about."""

    recognizer: Recognizer = field(default_factory=lambda: ScriptedRecognizer(["есть зимние шины?"]))
    voice: Voice = field(default_factory=ScriptedVoice)
    dialog: Dialog = field(default_factory=lambda: ScriptedDialog(("Да, есть зимние шины на любой вкус.",)))
    toolbox: Toolbox = field(default_factory=lambda: ScriptedToolbox((), {}))
    agent: AgentProfile = field(default_factory=lambda: _AGENT)
    limits: CallLimits = field(default_factory=CallLimits)
    control: Control = field(default_factory=NoControl)
    prices: Prices = field(default_factory=Prices)
    turn_end: TurnEnd | None = None
    recorder: Recorder | None = None


@dataclass(slots=True)
class Stage:
    """A call being played: its far end, its leg, its record; `ending` once it is over, unless it was handed over."""

    asterisk: SimulatedAsterisk
    leg: Leg
    journal: MemoryJournal
    ended: trio.Event = field(default_factory=trio.Event)
    ending: Ending | None = None
    over_at: float = math.inf  # when the call's tasks were gone
    call: trio.CancelScope = field(default_factory=trio.CancelScope)  # a drain cancels it


@asynccontextmanager
async def open_clock(model: SpeechModel | None = None) -> AsyncIterator[MediaClock]:
    """The media clock and the confirmation of speech, for all calls of a play. `model`: another than by loudness."""
    clock = MediaClock()
    async with trio.open_nursery() as world:
        await world.start(clock.run)
        world.start_soon(serve_confirmation, clock.all_legs, model or LevelModel())
        yield clock
        world.cancel_scope.cancel("the play is over")


@asynccontextmanager
async def open_stage(parts: Parts, clock: MediaClock | None = None, uuid: UUID = FIRST_UUID) -> AsyncIterator[Stage]:
    """Answer one simulated call, on a clock of its own or a shared one.

    Leaving the block waits for its end (hang up first, or let the agent do it)."""
    async with AsyncExitStack() as stack:
        if clock is None:
            clock = await stack.enter_async_context(open_clock())
        journal, asterisk = MemoryJournal(), SimulatedAsterisk(uuid)
        services = services_of(parts, journal)
        await parts.voice.warm(parts.agent.fixed_prompts())
        async with trio.open_nursery() as world:
            world.cancel_scope.deadline = trio.current_time() + LONGEST_PLAY
            leg = Leg(asterisk, trio.current_time(), no_media_seconds=60.0)
            clock.add(leg)
            stage = Stage(asterisk, leg, journal)
            world.start_soon(asterisk.run)
            world.start_soon(_answer, stage, services, parts)
            yield stage
            await stage.ended.wait()
            world.cancel_scope.cancel("the play is over")
        assert stage.ended.is_set(), f"the call was still up after {LONGEST_PLAY:.0f} s"


def services_of(parts: Parts, journal: MemoryJournal, registry: MemoryRegistry | None = None) -> Services:
    """The parts as a call is given them, with a registry in memory: one of its own, or one that nodes share."""
    registry = registry or MemoryRegistry()
    return Services(
        parts.recognizer,
        parts.voice,
        parts.dialog,
        parts.toolbox,
        journal,
        registry,
        parts.control,
        turn_end=parts.turn_end,
        prices=parts.prices,
        recorder=parts.recorder,
    )


async def _answer(stage: Stage, services: Services, parts: Parts) -> None:
    """What `callengine.media.server` does for a call with a place."""
    identified = await stage.leg.marks.receive()
    assert isinstance(identified, Identified)
    caller = CallerContext(str(identified.uuid), parts.agent.language)
    with stage.call:
        stage.ending = await run_call(Call(stage.leg, caller, parts.agent, services, parts.limits), "node")
    stage.over_at = trio.current_time()
    stage.leg.hang_up()
    async for mark in stage.leg.marks:
        if isinstance(mark, LineEnded):
            break
    stage.ended.set()


def run_virtual(play: Callable[..., Awaitable[None]], *args: object) -> None:
    """Run a play on a fresh clock of its own that jumps over waiting."""
    trio.run(partial(play, *args), clock=trio.testing.MockClock(autojump_threshold=0))
