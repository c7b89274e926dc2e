"""The recognizer: streams the call's ring to a recogniser and gives the dialog what it heard, in call time.

The ring holds all audio without a final; whatever ends a stream (its age, a fault, a hang), the next one is sent what
is owed, on the same recogniser or the one that takes over (DESIGN 4.5). What is owed is `hearing`'s to say."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import structlog
import trio

from callengine import metrics
from callengine.call.entrance import Place
from callengine.call.events import DialogEvent
from callengine.call.hearing import Hearing, Sound
from callengine.call.meter import Meter, StreamMeter
from callengine.call.patience import Patience
from callengine.call.sources import LASTING_SECONDS, Over, Retries, Sources
from callengine.call.turn_events import CallerHeard
from callengine.call.unheard import Absence
from callengine.errors import RecognizerError
from callengine.media.audio import RATE
from callengine.media.leg import Leg
from callengine.ports.recognition import Final, Interim, Recognizer, RecognizerStream, StreamSpec

OPEN_SECONDS = 5.0
SEND_LOOKS = 5  # a recogniser that takes no audio for so many looks is as good as gone
LOOK_SECONDS = 1.0
DRAIN_SECONDS = 0.8  # after a half-close, for the finals still owed: in silence there are none
HEALTHY_SECONDS = 10.0  # a stream that lived so long without a fault was a good one, words or not
ANSWER_SECONDS = 2.0  # so long a stream that has caught up keeps others waiting, to say something of what it was sent
CAUGHT_UP = RATE  # so little is left to send that nobody waits for it

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ear:
    """One call's recognition: the leg it hears, who understands, where results go, and whom to tell of audio that was
    lost (from when to when, in call time) and of audio that was sent."""

    leg: Leg
    sources: Sources
    spec: StreamSpec
    hints: Sequence[str]
    events: trio.MemorySendChannel[DialogEvent]
    lost: Callable[[float, float], None]
    meter: Meter


@dataclass(slots=True)
class _Stream:
    """One open stream, and how it does."""

    ear: Ear
    at: int  # which of the sources
    hearing: Hearing
    patience: Patience
    absence: Absence
    wire: RecognizerStream
    place: Place
    opened: float
    meter: StreamMeter
    alive: bool = False
    sending: int | None = None  # from where on, while the recogniser has not taken it
    left: Over | None = None  # why we left it, if it was we

    @property
    def recognizer(self) -> Recognizer:
        return self.ear.sources.recognizers[self.at]

    def show_life(self) -> None:
        """The recogniser works: what was held against it is forgotten."""
        if not self.alive:
            self.alive = True
            self.absence.end()
            self.ear.sources.forgive(self.at)

    def let_others_in(self) -> None:
        """Once it has what was owed and an answer, or has waited for one long enough."""
        sound = _sound(self.ear.leg)
        if self.place.held and sound.end - self.hearing.sent < CAUGHT_UP:
            well = self.alive or sound.since is None
            if well or trio.current_time() - self.opened >= ANSWER_SECONDS:
                self.place.leave(well)


@dataclass(slots=True)
class _Progress:
    """What outlives a call's streams."""

    hearing: Hearing
    patience: Patience = field(default_factory=Patience)
    absence: Absence = field(default_factory=Absence)
    stream: _Stream | None = None


async def run_recognizer(ear: Ear) -> None:
    """Recognise until cancelled. Raises RecognizerError (in a group) when no recogniser can be of any use to this call,
    or none has shown life for the sources' `away_seconds`."""
    progress = _Progress(Hearing(ear.spec.chunk_ms * RATE // 1000))
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(progress.absence.tell, ear.leg, ear.events)
            await _run_streams(ear, progress)
            nursery.cancel_scope.cancel("the line is over")
    finally:
        _tell_lost(ear, progress.hearing)


async def _run_streams(ear: Ear, progress: _Progress) -> None:
    """One stream after the other, until the line ends."""
    retries, at = Retries(ear.sources), ear.sources.first(trio.current_time())
    since = trio.current_time()
    while True:
        entrance = ear.sources.entrance(at)
        if entrance.crowded:
            progress.absence.begin()
        async with entrance.place(since, ear.sources.away_seconds, partial(ear.sources.elsewhere, at)) as place:
            if not place.held:
                at = 1 - at
                metrics.stt_failovers_total.inc()
                continue
            over = await _run_stream(ear, at, progress, place)
        if ear.leg.ended is not None:
            return
        metrics.stt_restarts_total.labels(over.reason).inc()
        at, wait = retries.after(at, over, trio.current_time())
        since = retries.without_since(trio.current_time())
        if wait or over.sure:
            progress.absence.begin()
        log.debug("recognizer_reopened", reason=over.reason, source=at, wait=wait)
        await trio.sleep(wait)


async def _run_stream(ear: Ear, at: int, progress: _Progress, place: Place) -> Over:
    """One stream, from the first audio that is owed. Returns what ended it."""
    failed: list[RecognizerError] = []
    recognizer, progress.stream = ear.sources.recognizers[at], None
    try:
        with trio.move_on_after(OPEN_SECONDS) as opening:
            async with recognizer.open_stream(ear.spec, ear.hints) as wire:
                opening.deadline = math.inf
                hearing, patience = progress.hearing, progress.patience
                meter = StreamMeter(ear.meter, recognizer.limits.product)
                now = trio.current_time()
                progress.stream = _Stream(ear, at, hearing, patience, progress.absence, wire, place, now, meter)
                hearing.open(_sound(ear.leg), ear.sources.held_back(at))
                patience.begin(hearing.sent)
                await _converse(progress.stream)
        if opening.cancelled_caught:
            failed.append(RecognizerError(f"no stream was opened in {OPEN_SECONDS:.0f} s", retryable=True))
    except* RecognizerError as group:
        failed += _leaves(group)
    stream = progress.stream
    error = next((error for error in failed if not error.retryable), failed[0] if failed else None)
    over = Over("ended" if error is None or error.ended else "broken", error, alive=False)
    if stream is None:
        return over
    lasted = trio.current_time() - stream.opened >= LASTING_SECONDS
    return replace(stream.left or replace(over, alive=stream.alive), lasted=lasted)


async def _converse(stream: _Stream) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_receive, stream, nursery.cancel_scope)
        nursery.start_soon(_watch, stream)
        stream.left = over = await _send(stream)
        if over.reason != "hung":
            stream.hearing.close(_sound(stream.ear.leg))
            with trio.move_on_after(DRAIN_SECONDS):
                await stream.wire.finish()
                await trio.sleep_forever()  # the stream's end ends it sooner
        nursery.cancel_scope.cancel("the stream is left")


async def _send(stream: _Stream) -> Over:
    """Send what is owed and what comes, until it is time to leave the stream. Returns why."""
    leg, hearing, patience = stream.ear.leg, stream.hearing, stream.patience
    limits = stream.recognizer.limits
    while True:
        stream.let_others_in()
        await leg.ring.wait_for(hearing.next_look(_sound(leg)))
        sound = _sound(leg)
        if sound.end - hearing.looked < hearing.chunk and sound.speaking:
            continue
        rotates = hearing.rotates(sound, trio.current_time() - stream.opened, limits.max_seconds)
        hearing.look(sound)
        await _send_parts(stream, limits.max_chunk_bytes // 2)
        if leg.paused_at is not None:
            leg.flush_seconds, leg.paused_at = trio.current_time() - leg.paused_at, None
        sound = _sound(leg)
        if hearing.settles(sound, patience.for_noise(sound)):
            leg.speech_since = None
            patience.settle()
            sound = _sound(leg)
        leg.ring.release(hearing.release(sound))
        _tell_lost(stream.ear, hearing)
        if trio.current_time() - stream.opened >= HEALTHY_SECONDS:
            stream.show_life()
        if leg.ended is not None or rotates:
            return Over("rotation", None, alive=True)
        if patience.ends(sound, trio.current_time()):
            return Over("hung", None, stream.alive, sure=patience.sure, again=patience.hangs > 1)


async def _send_parts(stream: _Stream, longest: int) -> None:
    ring = stream.ear.leg.ring
    while (part := stream.hearing.next_part(ring.start, longest)) is not None:
        stream.sending = part[0]
        await stream.wire.send(ring.read(*part))
        stream.sending = None
        stream.meter.sent(part[1] - part[0])


async def _watch(stream: _Stream) -> None:
    """Raises RecognizerError when no audio is taken. Looks are counted, not seconds: a time in which this process
    itself did not run is one look, or every stream of a machine that stood still would be given up in one moment."""
    looks, sending = 0, None
    while looks < SEND_LOOKS:
        await trio.sleep(LOOK_SECONDS)
        looks = looks + 1 if stream.sending is not None and stream.sending == sending else 0
        sending = stream.sending
    raise RecognizerError(f"the recogniser has taken no audio for {SEND_LOOKS * LOOK_SECONDS:.0f} s", retryable=True)


async def _receive(stream: _Stream, conversation: trio.CancelScope) -> None:
    ear, hearing = stream.ear, stream.hearing
    while (event := await stream.wire.receive()) is not None:
        stream.show_life()
        about = event.end if isinstance(event, Interim | Final) else event.position
        stream.patience.hear(event, hearing.placed.ending(about))
        match event:
            case Interim(text=text, stability=stability, end=end):
                span, final = hearing.take_interim(end, text), False
            case Final(text=text, start=start, end=end):
                span, final, stability = hearing.take_final(start, end), True, 1.0
            case _:
                continue  # the call's own detector says when speech begins and ends
        if span is not None:
            began, ended = (ear.leg.began + position / RATE for position in span)
            await ear.events.send(CallerHeard(text, began, ended, final, stability))
    conversation.cancel("the stream has ended")


def _sound(leg: Leg) -> Sound:
    ring, gate = leg.ring, leg.gate
    seen = leg.confirm if gate.open else ring.end
    return Sound(ring.start, ring.end, gate.open, leg.tracker.speaking, leg.speech_since, leg.speech_until, seen)


def _tell_lost(ear: Ear, hearing: Hearing) -> None:
    for begin, end in hearing.lost:
        metrics.stt_lost_seconds_total.inc((end - begin) / RATE)
        ear.lost(begin / RATE, end / RATE)
    hearing.lost.clear()


def _leaves(group: BaseExceptionGroup[RecognizerError]) -> list[RecognizerError]:
    found: list[RecognizerError] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
