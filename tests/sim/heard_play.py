"""One call's audio for the recognizer's simulations: speech that says where it lies, and what was heard of it."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise

import trio

from callengine.call.events import EVENTS, DialogEvent
from callengine.call.meter import Meter
from callengine.call.patience import SURE_SPEECH
from callengine.call.recognizer import Ear, run_recognizer
from callengine.call.sources import Sources
from callengine.call.turn_events import CallerHeard, CallerUnheard
from callengine.media.audio import RATE
from callengine.media.leg import Leg
from callengine.media.marks import SpeechBegan, SpeechPaused
from callengine.ports.recognition import StreamSpec
from callengine.prices import Prices
from tests.sim.positions import PlacingRecognizer, Span, coded

FRAME = RATE // 50  # of audio that comes at once
GATE_LATE = 2 * FRAME
LATE = 10 * FRAME  # by which the detector is late
PATIENCE = 25.0  # seconds after the last word for everything that is owed
LONG_PATIENCE = 80.0  # the same where streams hang again and again: a ring's length, and its replay


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
    away_seconds: float = math.inf  # a play goes on until its words are heard, or marked as lost
    frame: int = FRAME  # many calls at once take larger ones, to save the test's time
    finals: list[CallerHeard] = field(default_factory=list)
    interims: list[CallerHeard] = field(default_factory=list)
    heard_at: list[float] = field(default_factory=list)
    lost: list[tuple[float, float]] = field(default_factory=list)
    told: int = 0  # how often the dialog was told that words wait for a recogniser
    owed: bool = False  # at the end, for speech that had no final
    sources: Sources = field(init=False)
    meter: Meter = field(default_factory=lambda: Meter(Prices()))

    def __post_init__(self) -> None:
        self.sources = Sources(self.recognizers, gate=self.gate, away_seconds=self.away_seconds)

    async def run(self, seconds: float | None = None) -> None:
        """Let time pass until `seconds`, or until everything owed has had its time."""
        end = seconds if seconds is not None else self.speech[-1][1] / RATE + PATIENCE
        send, receive = trio.open_memory_channel[DialogEvent](EVENTS)
        leg = Leg(NoWire(), trio.current_time(), 60.0)
        lost = self.lost
        ear = Ear(leg, self.sources, StreamSpec("ru-RU"), (), send, lambda a, b: lost.append((a, b)), self.meter)
        with send, receive:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run_recognizer, ear)
                nursery.start_soon(self._collect, leg, receive)
                await self._speak(leg, end)
                self.owed = leg.speech_since is not None
                nursery.cancel_scope.cancel("the play is over")

    async def _collect(self, leg: Leg, events: trio.MemoryReceiveChannel[DialogEvent]) -> None:
        async for event in events:
            if isinstance(event, CallerUnheard):
                self.told += 1
                continue
            assert isinstance(event, CallerHeard)
            (self.finals if event.final else self.interims).append(
                replace(event, began=event.began - leg.began, ended=event.ended - leg.began)
            )
            if event.final:
                self.heard_at.append(trio.current_time() - leg.began)

    async def _speak(self, leg: Leg, end: float) -> None:
        due, heard = trio.current_time(), 0
        while leg.ring.end < end * RATE:
            due += self.frame / RATE
            await trio.sleep_until(due)
            leg.ring.append(coded(leg.ring.end, leg.ring.end + self.frame))
            heard = leg.confirm = leg.ring.end - LATE
            inside = next((span for span in self.speech if span[0] <= heard < span[1]), None)
            leg.gate.open = any(span[0] <= leg.ring.end - GATE_LATE and heard < span[1] for span in self.speech)
            if inside is not None and not leg.tracker.speaking:
                leg.tracker.speaking = True
                leg.mark_speech(SpeechBegan(inside[0]))
            elif inside is None and leg.tracker.speaking:
                leg.tracker.speaking = False
                leg.mark_speech(SpeechPaused(max(span[1] for span in self.speech if span[1] <= heard)))
            with suppress(trio.WouldBlock):
                leg.marks.receive_nowait()  # the reader's part

    def check(self, hung_often: bool = False) -> None:
        """Every sample of speech is in one final; a final lies in the call where its samples do. `hung_often`: so many
        streams hung that what is short may be taken for a noise, and what no ring holds any more is marked as lost."""
        spans = []
        for final in self.finals:
            begin, end, count = map(int, final.text.split())
            assert count == end - begin, "samples were skipped within a final"
            assert (round(final.began * RATE), round(final.ended * RATE)) == (begin, end), "a final is misplaced"
            spans.append((begin, end))
        assert spans == sorted(spans)
        assert all(one[1] <= two[0] for one, two in pairwise(spans)), "a sample is in two finals"
        covered = set(spans)
        if hung_often:
            covered |= {(round(begin * RATE), round(end * RATE)) for begin, end in self.lost}
        must = [span for span in self.speech if not hung_often or span[1] - span[0] >= SURE_SPEECH]
        missing = [span for span in must if not _covered(span, covered)]
        assert not missing, f"speech was skipped: {missing}, heard {spans}"
        for interim in self.interims:
            assert interim.began <= interim.ended
        assert hung_often or not self.lost


def _covered(span: Span, finals: set[Span]) -> bool:
    at = span[0]
    for begin, end in sorted(finals):
        if begin <= at < end:
            at = end
    return at >= span[1]
