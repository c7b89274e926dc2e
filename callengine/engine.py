"""One running engine: its calls, what the dialplan may ask of them afterwards, and what the API may do to them."""

from collections import OrderedDict
from datetime import UTC, datetime
from uuid import UUID

import structlog
import trio

from callengine import metrics
from callengine.agent import AgentProfile
from callengine.call.call import run_call
from callengine.call.parts import Call, CallLimits, Ending, Services
from callengine.config import Settings
from callengine.errors import ServiceError
from callengine.media.admission import Admission
from callengine.media.clock import MediaClock
from callengine.media.leg import Leg
from callengine.ports.journal import CallClosed, CallOpened
from callengine.ports.tools import CallerContext

OUTCOMES = 10_000  # of ended calls, kept for the dialplan's question
CALLER_SECONDS = 0.05  # a registry that is slow must not delay the greeting

log = structlog.get_logger(__name__)


class Engine:
    """One running engine: its calls, and what may be asked of it from outside."""

    def __init__(self, settings: Settings, agent: AgentProfile, services: Services) -> None:
        self.settings = settings
        self.agent = agent
        self.services = services
        self.clock = MediaClock()
        self.admission = Admission(settings.max_calls)
        self._legs: dict[UUID, Leg] = {}
        self._outcomes: OrderedDict[UUID, str] = OrderedDict()

    async def answer(self, leg: Leg, uuid: UUID) -> None:
        """Hold the call that came on `leg`."""
        caller = await self._caller(uuid)
        settings = self.settings
        limits = CallLimits(
            settings.max_call_seconds, endpointing=settings.stt_endpointing, chunk_ms=settings.stt_chunk_ms
        )
        self._legs[uuid] = leg
        metrics.calls_active.inc()
        try:
            ending = await run_call(Call(leg, caller, self.agent, self.services, limits), self.settings.node_name)
            self._keep_outcome(uuid, _word_for(ending))
        finally:
            metrics.calls_active.dec()
            del self._legs[uuid]

    def turn_away(self, uuid: UUID) -> None:
        """A call there was no place for: the dialplan is told `busy`, the record has it."""
        self._keep_outcome(uuid, "busy")
        now, node = datetime.now(UTC), self.settings.node_name
        self.services.journal.record_nowait(CallOpened(str(uuid), node, now, self.agent.language))
        self.services.journal.record_nowait(CallClosed(str(uuid), now, 0.0, "busy", "over MAX_CALLS"))
        metrics.calls_total.labels("busy").inc()

    def outcome(self, uuid: UUID) -> str:
        """The dialplan's word for a call; `retry` where none is known."""
        return self._outcomes.get(uuid, "retry")

    def hang_up(self, uuid: UUID) -> bool:
        """End a call that is up here; False when it is not."""
        leg = self._legs.get(uuid)
        if leg is not None:
            leg.hang_up()
        return leg is not None

    async def _caller(self, uuid: UUID) -> CallerContext:
        known: CallerContext | None = None
        try:
            with trio.move_on_after(CALLER_SECONDS):
                known = await self.services.registry.take_caller(str(uuid))
        except ServiceError as error:
            log.warning("caller_unknown", error=str(error))
        return known or CallerContext(str(uuid), self.agent.language)

    def _keep_outcome(self, uuid: UUID, word: str) -> None:
        self._outcomes[uuid] = word
        while len(self._outcomes) > OUTCOMES:
            self._outcomes.popitem(last=False)


def _word_for(ending: Ending) -> str:
    if ending.outcome == "transferred":
        return f"transfer:{ending.target}"
    if ending.outcome == "handed_over":
        return "retry"
    return "hangup"
