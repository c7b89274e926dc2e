"""The recognizer: streams the call's ring to a recogniser and gives the dialog what it heard, in call time.

The ring holds all audio without a final; a stream that breaks is followed by another that begins at the last final, and
a final that ends where one has been delivered is dropped (DESIGN 4.5)."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
import trio

from callengine import metrics
from callengine.call.events import DialogEvent
from callengine.call.turn_events import CallerHeard
from callengine.errors import RecognizerError
from callengine.media.audio import RATE
from callengine.media.leg import Leg
from callengine.ports.recognition import Final, Interim, Recognizer, RecognizerStream, StreamSpec

SPEECH_CHUNK = RATE // 10  # 100 ms while somebody speaks or a final is owed: it waits for the silence behind it
SILENCE_CHUNK = RATE * 8 // 10  # a message costs Python the same whatever its size; speech flushes it at once
RETRY_SECONDS = (0.0, 0.2, 0.5, 1.0, 2.0)
PRE_ROLL = RATE // 2  # before speech began: recognisers want a little silence in front
COVERED = RATE // 2  # a final may end so much before our own detector heard the end
SETTLED = 5 * RATE  # speech that has no final so long after its end was a noise

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Progress:
    """How far a call's audio has come. Positions are absolute samples."""

    sent: int = 0
    final: int = 0  # the end of the last final
    failures: int = 0  # streams that broke since the last result


@dataclass(frozen=True, slots=True)
class Ear:
    """One call's recognition: the leg it hears, the backend that understands, where results go."""

    leg: Leg
    recognizer: Recognizer
    spec: StreamSpec
    hints: Sequence[str]
    events: trio.MemorySendChannel[DialogEvent]


async def run_recognizer(ear: Ear) -> None:
    """Recognise until cancelled. Raises RecognizerError when the backend can be of no use to this call."""
    progress = Progress()
    while True:
        error = await _run_stream(ear, progress)
        if ear.leg.ended is not None:
            return
        if error is not None and (not error.retryable or progress.failures >= len(RETRY_SECONDS)):
            raise error
        reason = "ended" if error is None else "broken"
        metrics.stt_restarts_total.labels(reason).inc()
        wait = RETRY_SECONDS[min(progress.failures, len(RETRY_SECONDS) - 1)]
        progress.failures += 1
        log.warning("recognizer_reopened", reason=reason, error=str(error or ""), attempt=progress.failures)
        await trio.sleep(wait)


async def _run_stream(ear: Ear, progress: Progress) -> RecognizerError | None:
    """One stream, from the first audio that has no final. Returns what broke it, or None when the backend ended it."""
    base = progress.sent = _unsettled(ear.leg, progress)
    failed: list[RecognizerError] = []
    try:
        async with ear.recognizer.open_stream(ear.spec, ear.hints) as stream, trio.open_nursery() as nursery:
            nursery.start_soon(_send, ear, stream, progress)
            await _receive(ear, stream, base, progress)
            nursery.cancel_scope.cancel("the stream has ended")
    except* RecognizerError as group:
        failed += _leaves(group)
    return next((error for error in failed if not error.retryable), failed[0] if failed else None)


async def _send(ear: Ear, stream: RecognizerStream, progress: Progress) -> None:
    leg, limit = ear.leg, ear.recognizer.limits.max_chunk_bytes // 2
    while True:
        speech = leg.gate.open or leg.speech_since is not None
        await leg.ring.wait_for(progress.sent + (SPEECH_CHUNK if speech else SILENCE_CHUNK))
        end = leg.ring.end
        if end - progress.sent < SPEECH_CHUNK and leg.tracker.speaking:
            continue
        progress.sent = max(progress.sent, leg.ring.start)
        while progress.sent < end:
            part = min(end, progress.sent + limit)
            await stream.send(leg.ring.read(progress.sent, part))
            progress.sent = part
        if leg.paused_at is not None:
            leg.flush_seconds, leg.paused_at = trio.current_time() - leg.paused_at, None
        leg.ring.release(_unsettled(leg, progress))
        if leg.ended is not None:
            await stream.finish()
            return


async def _receive(ear: Ear, stream: RecognizerStream, base: int, progress: Progress) -> None:
    began = ear.leg.began
    while (event := await stream.receive()) is not None:
        match event:
            case Interim(text=text, stability=stability, end=end):
                since = began + progress.final / RATE
                await ear.events.send(CallerHeard(text, since, began + (base + end) / RATE, False, stability))
            case Final(text=text, start=start, end=end):
                progress.failures = 0
                if base + end <= progress.final:
                    continue
                progress.final = base + end
                first = began + (base + start) / RATE
                await ear.events.send(CallerHeard(text, first, began + (base + end) / RATE, True))
            case _:
                pass  # the call's own detector says when speech begins and ends


def _unsettled(leg: Leg, progress: Progress) -> int:
    """Where audio begins that may hold words without a final: what another stream would have to hear again."""
    end = leg.ring.end
    if not leg.tracker.speaking and max(progress.final + COVERED, end - SETTLED) >= leg.speech_until:
        leg.speech_since = None
    since = end if leg.speech_since is None else leg.speech_since
    return max(progress.final, leg.ring.start, since - PRE_ROLL)


def _leaves(group: BaseExceptionGroup[RecognizerError]) -> list[RecognizerError]:
    found: list[RecognizerError] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
