"""What a person hears before they hear the caller who is put through to them: the call's summary, over an AudioSocket
connection of its own, which the dialplan makes from their side.

The dialplan asks for its UUID first. Nothing of this may hold the two apart for long: the dialplan ends the connection
after its own time (CE_ANNOUNCE_SECONDS), and any key ends it at once."""

from collections import OrderedDict
from collections.abc import Sequence
from uuid import UUID, uuid4

import structlog
import trio

from callengine.agent import AgentProfile
from callengine.call.ending import Ending
from callengine.call.sentences import Splitter
from callengine.call.speaker import play_out
from callengine.media.leg import Leg
from callengine.media.marks import DigitPressed, LineEnded
from callengine.ports.synthesis import Prompt, Voice

KEPT = 1000  # calls put through, and connections asked for: those of the last minutes
LEAD_SECONDS = 0.3  # from answering to having the telephone at the ear
LONGEST_SECONDS = 30.0
LONGEST_CHARACTERS = 220  # some 16 s; pieces beyond it are left out

log = structlog.get_logger(__name__)


class Announcements:
    """What is to be said to whom: by the call that is put through, and once asked for by the connection that comes."""

    def __init__(self) -> None:
        self._calls: OrderedDict[UUID, tuple[Prompt, ...]] = OrderedDict()
        self._connections: OrderedDict[UUID, tuple[Prompt, ...]] = OrderedDict()

    def keep(self, call: UUID, agent: AgentProfile, ending: Ending) -> None:
        """A call ends; whoever takes it over is to be told of it where the agent file says so."""
        if ending.outcome == "transferred" and ending.summary and agent.transfer.targets[ending.target].announce:
            _put(self._calls, call, pieces_of(ending.summary, agent))

    def ask(self, call: UUID) -> UUID | None:
        """The UUID of a connection that would speak this call's summary; None where there is nothing to say."""
        if (prompts := self._calls.get(call)) is None:
            return None
        connection = uuid4()
        _put(self._connections, connection, prompts)
        return connection

    def take(self, connection: UUID) -> tuple[Prompt, ...] | None:
        """What is to be said on a connection, once; None for one that nobody asked for: a call."""
        return self._connections.pop(connection, None)


def pieces_of(summary: str, agent: AgentProfile) -> tuple[Prompt, ...]:
    """A summary as it is spoken; never less than its first piece."""
    splitter = Splitter(agent.language)
    pieces = (*splitter.feed(summary), *splitter.finish())
    lengths = [sum(map(len, pieces[: at + 1])) for at in range(len(pieces))]
    fitting = (piece for piece, length in zip(pieces, lengths, strict=True) if length <= LONGEST_CHARACTERS)
    return tuple(agent.prompt(piece) for piece in (*fitting,) or pieces[:1])


async def announce(leg: Leg, voice: Voice, prompts: Sequence[Prompt]) -> None:
    """Say a call's summary to the person on this leg; returns when they have heard it, press a key or hang up. Faults
    end here: what matters is that the two are put together."""
    try:
        with trio.move_on_after(LONGEST_SECONDS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_await_key, leg, nursery.cancel_scope)
                await trio.sleep(LEAD_SECONDS)
                for prompt in prompts:
                    await play_out(leg, voice, prompt)
                log.info("announced")
                nursery.cancel_scope.cancel("all has been said")
    except* Exception:
        log.exception("announcement_failed")


async def _await_key(leg: Leg, saying: trio.CancelScope) -> None:
    async for mark in leg.marks:
        if isinstance(mark, DigitPressed | LineEnded):
            break
    saying.cancel("the person has heard enough")


def _put(kept: OrderedDict[UUID, tuple[Prompt, ...]], key: UUID, prompts: tuple[Prompt, ...]) -> None:
    kept[key] = prompts
    while len(kept) > KEPT:
        kept.popitem(last=False)
