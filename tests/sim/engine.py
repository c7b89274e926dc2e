"""One call held by a whole engine in virtual time, with a dialplan that asks for its outcome once it may go on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from callengine.answering import Agents
from callengine.config import load_settings
from callengine.engine import Engine
from callengine.errors import ServiceError
from callengine.media.audiosocket import HANGUP
from callengine.media.confirm import serve_confirmation
from callengine.media.leg import Leg
from callengine.media.marks import Identified, LineEnded
from callengine.media.silero import LevelModel
from callengine.ports.control import Destination, Transferred
from callengine.ports.tools import CallerContext
from callengine.services.memory import MemoryJournal, MemoryRegistry
from tests.sim.asterisk import FIRST_UUID, SimulatedAsterisk
from tests.sim.call import Parts, services_of


@dataclass
class ScriptedControl:
    """A control path that is as slow, or as broken, as wanted."""

    way: Transferred = "told"
    seconds: float = 0.0
    fault: ServiceError | None = None
    found: CallerContext | None = None
    moves: SimulatedAsterisk | None = None  # whose channel a transfer takes away
    said: list[tuple[float, str]] = field(default_factory=list)  # when something was acknowledged, and what

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    async def transfer(self, call_id: str, destination: Destination) -> Transferred:
        await self._answer(destination.word)
        if self.moves is not None:
            self.moves.hang_up()
        return self.way

    async def hang_up(self, call_id: str) -> bool:
        await self._answer("hangup")
        return True

    async def find_caller(self, call_id: str) -> CallerContext | None:
        await trio.sleep(self.seconds)
        return self.found

    async def _answer(self, what: str) -> None:
        await trio.sleep(self.seconds)
        if self.fault is not None:
            raise self.fault
        self.said.append((trio.current_time(), what))


@dataclass
class Line:
    """A simulated Asterisk whose dialplan asks for the outcome in the very step in which 0x00 comes."""

    asterisk: SimulatedAsterisk
    deaf: bool = False  # 0x00 is never read
    world: trio.Nursery | None = None
    engine: Engine | None = None
    hung_up_at: float | None = None
    word: str = ""

    def recv_nowait(self, buffer: memoryview) -> int:
        return self.asterisk.recv_nowait(buffer)

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        if bytes(data) == HANGUP:
            assert self.world is not None
            self.hung_up_at = trio.current_time()
            self.world.start_soon(self._ask)
            if self.deaf:
                return len(data)
        return self.asterisk.send_nowait(data)

    def close(self) -> None:
        self.asterisk.close()

    async def _ask(self) -> None:
        assert self.engine is not None
        self.word = await self.engine.outcome(FIRST_UUID)


@dataclass
class Play:
    """One call held by an engine."""

    engine: Engine
    line: Line
    leg: Leg
    journal: MemoryJournal
    over: trio.Event
    call: trio.CancelScope = field(default_factory=trio.CancelScope)  # a drain cancels it

    @property
    def asterisk(self) -> SimulatedAsterisk:
        return self.line.asterisk


@dataclass(frozen=True, slots=True)
class State:
    """What the nodes of one shop share."""

    journal: MemoryJournal = field(default_factory=MemoryJournal)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)


@asynccontextmanager
async def open_play(
    parts: Parts, line: Line, agents: Agents | None = None, state: State | None = None, **environ: str
) -> AsyncIterator[Play]:
    """An engine that answers `line`; leaving the block waits until the call and its line are over."""
    state = state or State()
    journal = state.journal
    engine = Engine(load_settings(environ), agents or Agents(parts.agent), services_of(parts, journal, state.registry))
    await parts.voice.warm(engine.agents.fixed_prompts())
    async with trio.open_nursery() as world:
        world.cancel_scope.deadline = trio.current_time() + 600
        await world.start(engine.clock.run)
        world.start_soon(serve_confirmation, engine.clock.all_legs, LevelModel())
        line.world, line.engine = world, engine
        leg = Leg(line, trio.current_time(), no_media_seconds=60.0)
        engine.clock.add(leg)
        play = Play(engine, line, leg, journal, trio.Event())
        world.start_soon(line.asterisk.run)
        world.start_soon(_serve, play)
        yield play
        await play.over.wait()
        world.cancel_scope.cancel("the play is over")
    assert play.over.is_set(), "the call was still up"


async def _serve(play: Play) -> None:
    """What `callengine.media.server` does for a call with a place."""
    assert isinstance(await play.leg.marks.receive(), Identified)
    with play.call:
        await play.engine.answer(play.leg, FIRST_UUID)
    play.leg.hang_up()
    with trio.move_on_after(2.0):
        async for mark in play.leg.marks:
            if isinstance(mark, LineEnded):
                break
    play.leg.end("hangup")
    play.over.set()
