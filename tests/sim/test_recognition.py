"""The recognizer's task through rotations, faults, hangs and failovers, on audio that says where it lies: no sample of
speech is skipped, none is in two finals, and positions are call time."""

import math
from dataclasses import replace

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from callengine import metrics
from callengine.call.failover import OPEN_SECONDS, Failover
from callengine.call.patience import MOST_HANGS
from callengine.call.sources import AWAY_SECONDS, RETRY_SECONDS
from callengine.errors import RecognizerError
from callengine.media.audio import RATE
from tests.sim.call import run_virtual
from tests.sim.heard_play import LONG_PATIENCE, Play
from tests.sim.positions import LIMITS, Fate, PlacingRecognizer, Span


def seconds(*spans: tuple[float, float]) -> list[Span]:
    return [(round(begin * RATE), round(end * RATE)) for begin, end in spans]


async def whole(play: Play, hung_often: bool = False) -> None:
    await play.run(play.speech[-1][1] / RATE + LONG_PATIENCE if hung_often else None)
    play.check(hung_often)


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


@settings(max_examples=25, deadline=None)
@given(speeches(), fates, st.floats(0.0, 1.5))
def test_whatever_becomes_of_streams_no_sample_is_skipped_or_said_twice(
    speech: list[Span], ends: list[Fate], delay: float
) -> None:
    run_virtual(whole, Play(speech, (PlacingRecognizer(speech, ends, delay_seconds=delay),)))


@settings(max_examples=25, deadline=None)
@given(speeches(), fates, fates, st.floats(0.0, 1.5))
def test_nor_when_the_call_moves_between_two_recognisers(
    speech: list[Span], chosen: list[Fate], fallback: list[Fate], delay: float
) -> None:
    both = tuple(PlacingRecognizer(speech, ends, delay_seconds=delay) for ends in (chosen, fallback))
    # what is short and three streams in a row have no word for is a noise, whichever recogniser they were of
    hung_often = sum(fate.kind in ("hangs", "stuck") for fate in (*chosen, *fallback)) > MOST_HANGS
    run_virtual(whole, Play(speech, both), hung_often)


@settings(max_examples=25, deadline=None)
@given(speeches(), st.floats(12.0, 30.0), st.floats(0.0, 0.7), st.sampled_from((math.inf, 2.0 * RATE)))
def test_nor_at_a_rotation(speech: list[Span], longest: float, delay: float, cut: float) -> None:
    limits = replace(LIMITS, max_seconds=longest)
    recognizer = PlacingRecognizer(speech, limits=limits, delay_seconds=delay, cut=cut)
    run_virtual(whole, Play(speech, (recognizer,)))
    assert all(stream.length / RATE <= longest for stream in recognizer.streams), "the backend ended one, not we"


@settings(max_examples=25, deadline=None)
@given(speeches(), fates, st.sampled_from((None, 10.0, 4.0)))
def test_nor_where_silence_is_held_back(speech: list[Span], ends: list[Fate], idle: float | None) -> None:
    limits = replace(LIMITS, bills_silence=True, idle_seconds=idle)
    run_virtual(whole, Play(speech, (PlacingRecognizer(speech, ends, limits),), gate=True))


def restarts(reason: str) -> float:
    return float(metrics.stt_restarts_total.labels(reason)._value.get())


def failovers() -> float:
    return float(metrics.stt_failovers_total._value.get())


@pytest.mark.parametrize("cut", [math.inf, 3.0 * RATE])
async def test_twenty_rotations_in_speech_without_an_end(cut: float, autojump_clock: trio.testing.MockClock) -> None:
    speech = seconds(*((at * 5.5 + 1, at * 5.5 + 6) for at in range(48)))
    recognizer = PlacingRecognizer(speech, limits=replace(LIMITS, max_seconds=14.0), cut=cut)
    before = restarts("rotation"), restarts("ended"), restarts("broken")
    play = Play(speech, (recognizer,))
    await play.run()
    play.check()
    after = restarts("rotation"), restarts("ended"), restarts("broken")
    assert after[0] - before[0] >= 20
    assert after[1:] == before[1:], "a backend's limit was reached"


async def test_words_come_at_once_when_a_recogniser_dies_in_mid_speech(autojump_clock: trio.testing.MockClock) -> None:
    speech = seconds((1.0, 5.0))
    both = PlacingRecognizer(speech, [Fate("breaks", 3 * RATE)]), PlacingRecognizer(speech)
    before, play = failovers(), Play(speech, both)
    await play.run()
    play.check()
    assert failovers() - before == 1
    assert play.heard_at[0] <= 5.0 + 0.4 + 0.2 + 0.2, "pause, delay, chunks: as without the fault"
    assert both[1].streams[0].runs[0][0] <= RATE, "the utterance is heard whole by the other one"


async def test_an_outage_is_logged_once_however_many_calls_are_up(autojump_clock: trio.testing.MockClock) -> None:
    speech = seconds((1.0, 2.0), (4.0, 5.0))
    away = PlacingRecognizer(speech, [Fate("breaks", 12000)] * 10 + [Fate("refuses")] * 4)
    plays = [Play(speech, (away, PlacingRecognizer(speech))) for _ in range(10)]
    shared = plays[0].sources.failover
    with capture_logs() as logs:
        async with trio.open_nursery() as calls:
            for play in plays:
                play.sources = replace(play.sources, failover=shared)
                calls.start_soon(play.run)
    for play in plays:
        play.check()
    assert [entry["event"] for entry in logs if entry["log_level"] != "debug"] == ["recognizer_failed"]
    assert "source" in logs[0]


async def test_the_chosen_recogniser_is_tried_again_by_a_new_call(autojump_clock: trio.testing.MockClock) -> None:
    speech = seconds((1.0, 2.0))
    chosen = PlacingRecognizer(speech, [Fate("breaks", RATE)] * 3)
    failover = Failover()
    for number in range(5):
        play = Play(speech, (chosen, PlacingRecognizer(speech)))
        play.sources = replace(play.sources, failover=failover)
        await play.run(seconds=6.0)
        play.check()
        assert chosen.tries == min(number + 1, 3), "the circuit is open: nobody waits for it"
    await trio.sleep(OPEN_SECONDS)
    play = Play(speech, (chosen, PlacingRecognizer(speech)))
    play.sources = replace(play.sources, failover=failover)
    await play.run(seconds=6.0)
    assert chosen.tries == 4
    assert not failover.circuits[0].open


@pytest.mark.parametrize("kind", ["hangs", "stuck"])
async def test_a_hung_recogniser_costs_time_and_no_word(kind: str, autojump_clock: trio.testing.MockClock) -> None:
    speech = seconds((1.0, 3.0), (20.0, 21.0))
    play = Play(speech, (PlacingRecognizer(speech, [Fate(kind, 2 * RATE)]),))
    await play.run()
    play.check()
    assert play.heard_at[0] <= 3.0 + 6.0


@pytest.mark.parametrize("hangs", [4, 6])
async def test_what_is_too_long_for_a_noise_is_heard_however_many_streams_hung(
    hangs: int, autojump_clock: trio.testing.MockClock
) -> None:
    """30 s of speech, and each recogniser hangs again and again from its beginning."""
    speech = seconds(*((at * 3.0 + 1, at * 3.0 + 3.2) for at in range(10)))
    both = tuple(PlacingRecognizer(speech, [Fate("hangs", 0)] * (hangs // 2)) for _ in range(2))
    play = Play(speech, both)
    await play.run(31.2 + LONG_PATIENCE)
    play.check()


async def test_what_no_stream_ever_says_a_word_of_is_marked_as_lost(autojump_clock: trio.testing.MockClock) -> None:
    """And owed no more: somebody may be asked whether they are there."""
    speech = seconds((2.0, 5.0))
    deaf = PlacingRecognizer([])
    play = Play(speech, (deaf,))
    await play.run(seconds=240.0)
    assert play.lost[0][0] <= 2.0
    assert play.lost[-1][1] >= 4.5
    assert len(deaf.streams) <= 10, "each is sent the ring again, and paid for"
    assert not play.owed


async def test_a_noise_opens_one_stream_more_and_moves_no_call(autojump_clock: trio.testing.MockClock) -> None:
    """Our detector hears a voice that no recogniser does: nothing is waited for for ever, nothing counts as a fault."""
    noise = seconds((2.0, 3.0))
    both = PlacingRecognizer([]), PlacingRecognizer([])
    play = Play(noise, both)
    await play.run(seconds=60.0)
    assert len(both[0].streams) + len(both[1].streams) <= 4
    assert not any(circuit.open for circuit in play.sources.failover.circuits)


async def test_words_that_no_ring_holds_any_more_are_marked_and_the_rest_is_in_place(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Speech for longer than the ring holds, without a final, and then the stream breaks."""
    speech = seconds((5.0, 84.0), (87.0, 88.0))
    play = Play(speech, (PlacingRecognizer(speech, [Fate("breaks", 79 * RATE)]),))
    await play.run()
    [(began, ended)] = play.lost
    assert 3.0 <= began <= 5.0
    assert 18.0 <= ended <= 21.0
    spans = [tuple(map(int, final.text.split()))[:2] for final in play.finals]
    assert spans == [(round(ended * RATE), 84 * RATE), (87 * RATE, 88 * RATE)]
    assert [(round(final.began * RATE), round(final.ended * RATE)) for final in play.finals] == spans


async def test_silence_is_not_paid_for(autojump_clock: trio.testing.MockClock) -> None:
    speech = seconds((2.0, 4.0), (60.0, 61.0))
    limits = replace(LIMITS, bills_silence=True)
    streamed = []
    for gate in (False, True):
        recognizer = PlacingRecognizer(speech, limits=limits)
        play = Play(speech, (recognizer,), gate=gate)
        await play.run(seconds=120.0)
        play.check()
        assert len(recognizer.streams) == 1, "the backend's patience with silence is kept"
        streamed.append(recognizer.streams[0].length / RATE)
    assert streamed[0] >= 119.0
    assert streamed[1] <= 3.0 + 2 * (0.5 + 2.8) + 2.8 + 120 / 5 * 0.1 + 1.0
    free = PlacingRecognizer(speech)
    play = Play(speech, (free,), gate=True)
    await play.run(seconds=120.0)
    assert free.streams[0].length / RATE >= 119.0, "a recogniser that bills no silence is sent all"


async def test_a_call_gives_up_when_nobody_understands(autojump_clock: trio.testing.MockClock) -> None:
    both = tuple(PlacingRecognizer([], [Fate("refuses")] * 50) for _ in range(2))
    began = trio.current_time()
    with pytest.RaisesGroup(RecognizerError, flatten_subgroups=True):
        await Play(seconds((1.0, 2.0)), both, away_seconds=AWAY_SECONDS).run(seconds=60.0)
    assert AWAY_SECONDS <= trio.current_time() - began <= AWAY_SECONDS + 2 * RETRY_SECONDS[-1]
    assert abs(both[0].tries - both[1].tries) <= 1
