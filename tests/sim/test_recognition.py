"""The recognizer's task through rotations, faults, hangs and failovers, on audio that says where it lies: no sample of
speech is skipped, none is in two finals, and positions are call time."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from callengine.call.events import EVENTS, DialogEvent
from callengine.call.recognizer import Ear, run_recognizer
from callengine.call.sources import Sources
from callengine.call.turn_events import CallerHeard
from callengine.media.audio import RATE
from callengine.media.leg import Leg
from callengine.media.marks import SpeechBegan, SpeechPaused
from callengine.ports.recognition import StreamSpec
from tests.sim.call import run_virtual
from tests.sim.positions import LIMITS, Fate, PlacingRecognizer, Span, coded

TICK = 0.02
FRAME = RATE // 50
LATE = 10  # frames by which the detector is late
PATIENCE = 25.0  # seconds after the last word for everything that is owed


class NoWire:
    """A leg's wire that nobody uses: audio is put into the ring."""

    def recv_nowait(self, buffer: memoryview) -> int:
        return -1

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        return len(data)

    def close(self) -> None:
        pass


@dataclass
class Play:
    """One call's audio and what was heard of it."""

    speech: Sequence[Span]
    recognizers: tuple[PlacingRecognizer, ...]
    gate: bool = False
    finals: list[CallerHeard] = field(default_factory=list)
    interims: list[CallerHeard] = field(default_factory=list)
    heard_at: list[float] = field(default_factory=list)
    lost: list[tuple[float, float]] = field(default_factory=list)
    sources: Sources = field(init=False)

    def __post_init__(self) -> None:
        self.sources = Sources(self.recognizers, gate=self.gate)

    async def run(self, seconds: float | None = None) -> None:
        """Let time pass until `seconds`, or until everything owed has had its time."""
        end = seconds if seconds is not None else self.speech[-1][1] / RATE + PATIENCE
        send, receive = trio.open_memory_channel[DialogEvent](EVENTS)
        leg = Leg(NoWire(), trio.current_time(), 60.0)
        ear = Ear(leg, self.sources, StreamSpec("ru-RU"), (), send, lambda a, b: self.lost.append((a, b)))
        with send, receive:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run_recognizer, ear)
                nursery.start_soon(self._collect, leg, receive)
                await self._speak(leg, end)
                nursery.cancel_scope.cancel("the play is over")

    async def _collect(self, leg: Leg, events: trio.MemoryReceiveChannel[DialogEvent]) -> None:
        async for event in events:
            assert isinstance(event, CallerHeard)
            (self.finals if event.final else self.interims).append(
                replace(event, began=event.began - leg.began, ended=event.ended - leg.began)
            )
            if event.final:
                self.heard_at.append(trio.current_time() - leg.began)

    async def _speak(self, leg: Leg, end: float) -> None:
        due, heard = trio.current_time(), 0
        while leg.ring.end < end * RATE:
            due += TICK
            await trio.sleep_until(due)
            leg.ring.append(coded(leg.ring.end, leg.ring.end + FRAME))
            heard = leg.ring.end - LATE * FRAME
            inside = next((span for span in self.speech if span[0] <= heard < span[1]), None)
            leg.gate.open = any(span[0] <= leg.ring.end - 2 * FRAME and heard < span[1] for span in self.speech)
            if inside is not None and not leg.tracker.speaking:
                leg.tracker.speaking = True
                leg.mark_speech(SpeechBegan(inside[0]))
            elif inside is None and leg.tracker.speaking:
                leg.tracker.speaking = False
                leg.mark_speech(SpeechPaused(max(span[1] for span in self.speech if span[1] <= heard)))

    def check(self) -> None:
        """Every sample of speech is in one final; a final lies in the call where its samples do."""
        spans = []
        for final in self.finals:
            begin, end, count = map(int, final.text.split())
            assert count == end - begin, "samples were skipped within a final"
            assert (round(final.began * RATE), round(final.ended * RATE)) == (begin, end), "a final is misplaced"
            spans.append((begin, end))
        assert spans == sorted(spans)
        assert all(one[1] <= two[0] for one, two in pairwise(spans)), "a sample is in two finals"
        covered = set(spans)
        missing = [span for span in self.speech if not _covered(span, covered)]
        assert not missing, f"speech was skipped: {missing}, heard {spans}"
        for interim in self.interims:
            assert interim.began <= interim.ended
        assert not self.lost


def _covered(span: Span, finals: set[Span]) -> bool:
    at = span[0]
    for begin, end in sorted(finals):
        if begin <= at < end:
            at = end
    return at >= span[1]


def seconds(*spans: tuple[float, float]) -> list[Span]:
    return [(round(begin * RATE), round(end * RATE)) for begin, end in spans]


async def whole(play: Play) -> None:
    await play.run()
    play.check()


@st.composite
def speeches(draw: st.DrawFn, longest: float = 6.0) -> list[Span]:
    """What a caller says: up to six stretches with pauses between them that a recogniser knows an end by."""
    at, spans = 0, []
    for _ in range(draw(st.integers(1, 6))):
        at += round(draw(st.floats(0.7, 6.0)) * RATE)
        end = at + round(draw(st.floats(0.35, longest)) * RATE)
        spans.append((at, end))
        at = end
    return spans


fates = st.lists(
    st.builds(
        Fate,
        st.sampled_from(("breaks", "ends", "hangs", "stuck", "refuses")),
        st.floats(0, 12 * RATE).map(round),
    ),
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(speeches(), fates, st.floats(0.0, 1.5))
def test_whatever_becomes_of_streams_no_sample_is_skipped_or_said_twice(
    speech: list[Span], ends: list[Fate], delay: float
) -> None:
    run_virtual(whole, Play(speech, (PlacingRecognizer(speech, ends, delay_seconds=delay),)))


@settings(max_examples=60, deadline=None)
@given(speeches(), fates, fates, st.floats(0.0, 1.5))
def test_nor_when_the_call_moves_between_two_recognisers(
    speech: list[Span], chosen: list[Fate], fallback: list[Fate], delay: float
) -> None:
    both = tuple(PlacingRecognizer(speech, ends, delay_seconds=delay) for ends in (chosen, fallback))
    run_virtual(whole, Play(speech, both))


@settings(max_examples=60, deadline=None)
@given(speeches(), st.floats(12.0, 30.0), st.floats(0.0, 0.7))
def test_nor_at_a_rotation(speech: list[Span], longest: float, delay: float) -> None:
    limits = replace(LIMITS, max_seconds=longest)
    recognizer = PlacingRecognizer(speech, limits=limits, delay_seconds=delay)
    run_virtual(whole, Play(speech, (recognizer,)))


@settings(max_examples=60, deadline=None)
@given(speeches(), fates, st.sampled_from((None, 10.0, 4.0)))
def test_nor_where_silence_is_held_back(speech: list[Span], ends: list[Fate], idle: float | None) -> None:
    limits = replace(LIMITS, bills_silence=True, idle_seconds=idle)
    run_virtual(whole, Play(speech, (PlacingRecognizer(speech, ends, limits),), gate=True))
