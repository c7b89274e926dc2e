"""One running engine: its calls, what the dialplan may ask of them afterwards, and what the API may do to them."""

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import structlog
import trio

from callengine import metrics
from callengine.answering import Agents
from callengine.call.announcement import Announcements, announce
from callengine.call.call import run_call
from callengine.call.checkpoint import unpacked
from callengine.call.events import TransferOrdered
from callengine.call.last_words import say_last_words
from callengine.call.meter import Meter
from callengine.call.parts import Call, CallLimits, Services
from callengine.config import Settings
from callengine.errors import ServiceError
from callengine.last_word import GOES_ON, word_for, word_of_record
from callengine.media.admission import Admission
from callengine.media.clock import MediaClock
from callengine.media.leg import Leg
from callengine.ports.journal import CallClosed, CallOpened
from callengine.ports.registry import Claim
from callengine.ports.tools import CallerContext, Toolbox
from callengine.registration import refuse_unregistered

OUTCOMES = 10_000  # of ended calls, kept for the dialplan's question
ELSEWHERE_SECONDS = 0.3  # the dialplan waits, and a caller behind it
RECORD_SECONDS = 0.15  # behind it, within what CE_API_SECONDS leaves of the dialplan's 0.5
CALLER_SECONDS = 0.05  # a registry that is slow must not delay the greeting
REGISTERED_SECONDS = 2.0  # but where registration decides whether there is one at all, it is waited for
MOVED_SECONDS = 1.0  # a channel that was moved has left within 2 ms
CLOSED_SECONDS = 1.0  # Asterisk closes 1 ms after it was told to; the leg waits for 2 s
UNWOUND_SECONDS = 0.5  # a call whose line is gone has its outcome within a few steps of the loop

HangUp = Literal["unknown", "closed", "told"]
Order = Literal["unknown", "no_target", "ending", "ordered"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CallUp:
    """A call that is up here, and the way to order something of it."""

    call: Call
    orders: trio.MemorySendChannel[TransferOrdered]
    unwound: trio.Event  # its outcome is known


class Engine:
    """One running engine: its calls, and what may be asked of it from outside."""

    def __init__(
        self, settings: Settings, agents: Agents, services: Services, toolboxes: Mapping[str, Toolbox] | None = None
    ) -> None:
        """`toolboxes`: by an agent's language; an agent without one has that of `services`."""
        self.settings = settings
        self.agents = agents
        self.services = services
        self._toolboxes = toolboxes or {}
        self.clock = MediaClock()
        self.admission = Admission(settings.max_calls)
        self.alone = False  # no other node goes on with a call that is cut off now
        self._up: dict[UUID, CallUp] = {}
        self._outcomes: OrderedDict[UUID, str] = OrderedDict()
        self._announcements = Announcements()
        self.announcement = self._announcements.ask

    async def answer(self, leg: Leg, uuid: UUID) -> None:
        """Hold the call that came on `leg`. When this returns, 0x00 may go out: the dialplan's word is kept.

        A person to whom a call is put through comes on a leg of their own, to be told of it."""
        if (prompts := self._announcements.take(uuid)) is not None:
            await announce(leg, self.services.voice, prompts, Meter(self.services.prices))
            return
        taken = await self._taken(leg, uuid)
        if taken is None:
            return
        call, ordering = taken
        self._up[uuid] = up = CallUp(call, ordering, trio.Event())
        self._outcomes.pop(uuid, None)  # of an earlier connection with this UUID
        metrics.calls_active.inc()
        try:
            with self._taping(call):
                await self._hold(up, uuid)
        finally:
            if self.alone:
                await self._say_goodbye(call, uuid)  # noqa: ASYNC102 - shields itself
            metrics.calls_active.dec()
            up.unwound.set()
            del self._up[uuid]
            self.services.registry.release_nowait(call.claim)
            await self._publish()  # noqa: ASYNC102 - shields itself

    def _taping(self, call: Call) -> AbstractContextManager[None]:
        recorder = self.services.recorder
        return nullcontext() if recorder is None else recorder.taping(call.leg, call.caller.call_id, call.claim.epoch)

    async def _taken(self, leg: Leg, uuid: UUID) -> tuple[Call, trio.MemorySendChannel[TransferOrdered]] | None:
        """A call that has come, as it begins or as far as another connection had brought it, and the way to order
        something of it; None where nobody has told of it and that is asked for."""
        known = await self._caller(uuid)
        claim = await self.services.registry.claim(str(uuid))
        resumed = unpacked(claim.checkpoint) if claim.checkpoint else None
        if known is None and resumed is None and self.settings.require_registration:
            self.services.registry.release_nowait(claim)
            refuse_unregistered(uuid)
            return None
        unknown = CallerContext(str(uuid), "") if resumed is None else resumed.caller
        agent, caller = self.agents.answering(known or unknown)
        ordering, orders = trio.open_memory_channel[TransferOrdered](1)
        settings = self.settings
        limits = CallLimits(
            settings.max_call_seconds,
            endpointing=settings.stt_endpointing,
            chunk_ms=settings.stt_chunk_ms,
            speculate=settings.speculate,
        )
        toolbox = self._toolboxes.get(agent.language, self.services.toolbox)
        services = replace(self.services, toolbox=toolbox)
        return Call(leg, caller, agent, services, limits, orders, claim, resumed), ordering

    async def _hold(self, up: CallUp, uuid: UUID) -> None:
        """Hold a call to its end, or until another node has taken it: then that one has the last word."""
        call = up.call
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_leave_when_taken, call.claim, nursery.cancel_scope)
            ending = await run_call(call, self.settings.node_name)
            self._announcements.keep(uuid, call.agent, ending)
            self._tell_outcome(uuid, word_for(ending, call.agent), call.claim)
            up.unwound.set()
            if ending.outcome == "transferred":
                await self._put_through(call, ending.target)
            nursery.cancel_scope.cancel("the call is over")

    async def _say_goodbye(self, call: Call, uuid: UUID) -> None:
        """A call that was cut off by our leaving, where nobody goes on with it: the shop decides what comes next."""
        if uuid in self._outcomes or call.claim.lost.is_set() or call.leg.ended is not None:
            return
        agent = call.agent
        if await say_last_words(call.leg, self.services.voice, agent.prompt(agent.apology), call.meter):
            self._tell_outcome(uuid, "apologised", call.claim)

    def use(self, agents: Agents, toolboxes: Mapping[str, Toolbox]) -> None:
        """New calls have these agents and their tools; calls that are up keep theirs."""
        self.agents, self._toolboxes = agents, toolboxes

    def turn_away(self, uuid: UUID) -> None:
        """A call there was no place for: the dialplan is told `busy`, the record has it."""
        if self._announcements.take(uuid) is not None:
            return  # no call: the two are put together without a word of ours
        self._keep_outcome(uuid, "busy")
        now, node = datetime.now(UTC), self.settings.node_name
        self.services.journal.record_nowait(CallOpened(str(uuid), node, now, self.agents.default.language))
        self.services.journal.record_nowait(CallClosed(str(uuid), now, 0.0, "busy", "over MAX_CALLS"))
        metrics.calls_total.labels("busy").inc()

    async def outcome(self, uuid: UUID) -> str:
        """The dialplan's word for a call; `retry` where none is known.

        Asked about a call whose line has just broken, it waits the moment until that call's end is known. Where the
        word here is not the last there can be, another node may have had the call since."""
        up = self._up.get(uuid)
        if up is not None and up.call.leg.ended is not None:
            with trio.move_on_after(UNWOUND_SECONDS):
                await up.unwound.wait()
        word = self._outcomes.get(uuid, "retry")
        if up is None and word in GOES_ON:
            word = await self._word_elsewhere(uuid) or word
        return word

    async def _word_elsewhere(self, uuid: UUID) -> str:
        """The word of the node that had the call: from Redis, or while that is away as the record has its end."""
        with trio.move_on_after(ELSEWHERE_SECONDS):  # noqa: ASYNC912 - the registry's answer is awaited
            try:
                return await self.services.registry.outcome(str(uuid))
            except ServiceError as error:
                log.warning("outcome_elsewhere_unknown", problem=str(error))
        with trio.move_on_after(RECORD_SECONDS):  # noqa: ASYNC912 - the record's answer is awaited
            try:
                return word_of_record(await self.services.journal.call(str(uuid)), self.agents)
            except ServiceError as error:
                log.warning("outcome_not_in_record", problem=str(error))
        return ""

    def transfer(self, uuid: UUID, target: str) -> Order:
        """Order a call that is up here to be put through: the caller is told so, then goes."""
        up = self._up.get(uuid)
        if up is None:
            return "unknown"
        if target not in up.call.agent.transfer.targets:
            return "no_target"
        try:
            with up.orders:  # one order a call
                up.orders.send_nowait(TransferOrdered(target))
        except (trio.ClosedResourceError, trio.BrokenResourceError):
            return "ending"
        return "ordered"

    async def hang_up(self, uuid: UUID) -> HangUp:
        """End a call that is up here: `closed` once Asterisk has let go of it, `told` where it has not within a second
        and no control path could end its channel."""
        up = self._up.get(uuid)
        if up is None:
            return "unknown"
        self._tell_outcome(uuid, "hangup", up.call.claim)
        await self._publish()
        leg = up.call.leg
        leg.hang_up()
        with trio.move_on_after(CLOSED_SECONDS):
            await leg.over.wait()
        if leg.ended is not None and leg.ended.reason == "hangup":
            return "closed"
        try:
            ended = await self.services.control.hang_up(str(uuid))
        except ServiceError as error:
            log.warning("hang_up_unconfirmed", call_id=str(uuid), problem=str(error))
            ended = False
        leg.end("hangup")  # nobody reads there: the call goes, whatever becomes of the channel
        return "closed" if ended else "told"

    async def _put_through(self, call: Call, target: str) -> None:
        """Tell the exchange where the call goes, where there is a way; else the outcome says it."""
        destination = call.agent.transfer.destination(target)
        try:
            way = await self.services.control.transfer(call.caller.call_id, destination)
        except ServiceError as error:
            log.warning("transfer_by_outcome", target=target, problem=str(error))
            return
        log.info("transfer", target=target, way=way)
        if way == "moved":  # a 0x00 now could still be read before the move
            with trio.move_on_after(MOVED_SECONDS):
                await call.leg.over.wait()

    async def _caller(self, uuid: UUID) -> CallerContext | None:
        try:
            with trio.move_on_after(REGISTERED_SECONDS if self.settings.require_registration else CALLER_SECONDS):
                return await self.services.registry.take_caller(str(uuid))
        except ServiceError as error:
            log.warning("caller_unknown", error=str(error))
        return None

    def _tell_outcome(self, uuid: UUID, word: str, claim: Claim) -> None:
        """Keep a call's word, here and for the other nodes; with the last word its checkpoint has served."""
        self._keep_outcome(uuid, word)
        if word not in GOES_ON:
            self.services.registry.outcome_nowait(claim, word)
            self.services.registry.checkpoint_nowait(claim, "")

    async def _publish(self) -> None:
        """Let the other nodes know before 0x00 goes out, for behind a balancer the dialplan asks any of them: by
        Redis, or while that is away by the record."""
        with trio.move_on_after(ELSEWHERE_SECONDS, shield=True):  # noqa: ASYNC912 - publishing is awaited
            try:
                return await self.services.registry.publish()
            except ServiceError as error:
                log.warning("outcome_unpublished", problem=str(error))
        with trio.move_on_after(RECORD_SECONDS, shield=True):  # noqa: ASYNC912 - the writing is awaited
            try:
                await self.services.journal.flush()
            except ServiceError as error:
                log.warning("end_not_written", problem=str(error))

    def _keep_outcome(self, uuid: UUID, word: str) -> None:
        self._outcomes[uuid] = word
        while len(self._outcomes) > OUTCOMES:
            self._outcomes.popitem(last=False)


async def _leave_when_taken(claim: Claim, call: trio.CancelScope) -> None:
    await claim.lost.wait()
    call.cancel("another node has the call")
