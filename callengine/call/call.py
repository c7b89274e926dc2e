"""One call, from its UUID to its record: a nursery over reader, recognizer, dialog and speaker.

The media (reader, speaker) is outside, the conversation (recognizer, dialog) inside: the dialog's clean-up, which says
what was heard, ends before the speaker does."""

from datetime import UTC, datetime
from functools import partial

import structlog
import trio

from callengine import metrics
from callengine.call.dialog import Dialogue
from callengine.call.events import EVENTS, DialogEvent
from callengine.call.keeping import begin_record
from callengine.call.last_words import say_last_words
from callengine.call.outside import learn_caller, pass_order
from callengine.call.parts import Call, Ending
from callengine.call.presence import NOBODY
from callengine.call.reader import run_reader
from callengine.call.recognizer import Ear, run_recognizer
from callengine.call.speaker import Speaker
from callengine.call.tones import listen_for_tones
from callengine.media.leg import Leg
from callengine.media.marks import LineEnded
from callengine.ports.journal import CallClosed, CallOpened
from callengine.ports.recognition import StreamSpec
from callengine.ports.registry import LiveCall

# Details of endings that decide the dialplan's word.
CALLER_GONE = "the caller hung up"
APOLOGISED = "an error in the engine or a service, the caller heard an apology"

log = structlog.get_logger(__name__)


async def run_call(call: Call, node: str) -> Ending:
    """Hold one call to its end. Its faults end here: an apology where line and voice are there, a count, a record."""
    caller = call.caller
    ending = Ending("handed_over", "the engine is shutting down")
    services = call.services
    services.journal.record_nowait(
        CallOpened(
            caller.call_id,
            node,
            call.opened_at,
            caller.language,
            caller.number,
            caller.name,
            caller.called,
            dict(caller.fields),
            caller.channel,
        )
    )
    services.registry.call_up_nowait(LiveCall(caller.call_id, node, datetime.now(UTC)))
    log.info("call_opened", **({} if call.resumed is None else {"resumed": call.claim.epoch}))
    try:
        ending = await _hold(call)
    except* Exception:
        log.exception("call_failed")
        ending = Ending("failed", "an error in the engine or a service")
        apology = call.agent.prompt(call.agent.apology)
        if await say_last_words(call.leg, services.voice, apology, call.meter):
            ending = Ending("failed", APOLOGISED)
    finally:
        seconds = trio.current_time() - call.opened
        if not call.claim.lost.is_set():  # else its end is another node's to record
            services.journal.record_nowait(_closed(call, ending, seconds))
        services.registry.call_down_nowait(caller.call_id)
        metrics.calls_total.labels(ending.outcome).inc()
        if ending.detail in NOBODY:
            metrics.nobody_total.labels(ending.detail).inc()
        log.info("call_closed", outcome=ending.outcome, detail=ending.detail, seconds=round(seconds, 1))
    return ending


def _closed(call: Call, ending: Ending, seconds: float) -> CallClosed:
    what = (ending.outcome, ending.detail, ending.target, ending.summary)
    return CallClosed(call.caller.call_id, datetime.now(UTC), seconds, *what, call.meter.total)


async def _hold(call: Call) -> Ending:
    events_in, events_out = trio.open_memory_channel[DialogEvent](EVENTS)
    speaker = Speaker(call.leg, call.services.voice, events_in, call.meter)
    record = begin_record(call)
    dialogue = Dialogue(call, speaker, events_in, record)
    limits = call.limits
    spec = StreamSpec(call.caller.language, endpointing=limits.endpointing, chunk_ms=limits.chunk_ms)
    lost = partial(record.lost, call.leg.began - call.opened)
    ear = Ear(call.leg, call.services.sources, spec, call.agent.hints, events_in, lost, call.meter)
    ending: Ending | None = None
    with events_in, events_out:
        async with trio.open_nursery() as media:
            conversation = trio.CancelScope()
            media.start_soon(speaker.run)
            media.start_soon(_read, call.leg, events_in, conversation)
            with conversation:
                async with trio.open_nursery() as inner:
                    inner.start_soon(run_recognizer, ear)
                    inner.start_soon(learn_caller, call)
                    inner.start_soon(listen_for_tones, call.leg, events_in)
                    if call.orders is not None:
                        inner.start_soon(pass_order, call.orders, events_in)
                    ending = await dialogue.run(events_out)
                    inner.cancel_scope.cancel("the dialog is over")
            media.cancel_scope.cancel("the call is over")
    return ending or _ended_by_line(call.leg, dialogue.answers_heard)


async def _read(leg: Leg, events: trio.MemorySendChannel[DialogEvent], conversation: trio.CancelScope) -> None:
    ended = await run_reader(leg, events)
    conversation.cancel(f"the line ended: {ended.reason}")


def _ended_by_line(leg: Leg, answers_heard: int) -> Ending:
    """A caller who has heard more than the greeting and hangs up has completed the call."""
    ended = leg.ended or LineEnded("hangup")
    if leg.hung_up:
        return Ending("completed", "hung up from outside")
    if ended.reason == "hangup":
        return Ending("completed" if answers_heard > 1 else "abandoned", CALLER_GONE)
    log.warning("line_failed", reason=ended.reason, detail=ended.detail)
    return Ending("abandoned" if ended.reason in ("no_media", "reset") else "failed", ended.reason)
