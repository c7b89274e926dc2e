"""A crowd of streams on a machine with room for all of them, but not for all of them beginning at once: what turns
them out in one moment does not keep them out. And one stream that breaks again and again comes back more slowly."""

from dataclasses import replace

import pytest
import trio
import trio.testing

from callengine.call.entrance import FEWEST_PLACES, MOST_PLACES
from callengine.call.sources import AWAY_SECONDS, RETRY_SECONDS
from callengine.errors import RecognizerError
from callengine.media.audio import RATE
from tests.sim.crowd import Machine, crowd
from tests.sim.heard_play import Play
from tests.sim.positions import Fate, PlacingRecognizer

CALLS = 24
STOOD_SECONDS = 12.0  # longer than streams go without sending


# the calls take 70 % of the machine's time; to open all streams at once takes it longer than an opening is waited for
async def test_streams_that_were_turned_out_together_come_back_in_order(autojump_clock: trio.testing.MockClock) -> None:
    machine = Machine(0.7 / CALLS, 5.5 / CALLS)
    plays = crowd(CALLS, 36.0, machine)
    async with trio.open_nursery() as calls:
        for play in plays:
            calls.start_soon(play.run, 72.0)
            await trio.sleep(10.0 / CALLS)
        assert len(machine.opened) == CALLS
        machine.work(STOOD_SECONDS)
    for play in plays:
        play.check()
        assert not play.owed
    assert sum(play.told > 0 for play in plays) >= CALLS / 2, "who waits in line hears that they wait"
    assert len(machine.opened) <= 2.5 * CALLS, "nearly every stream is opened once more, not again and again"
    assert max(machine.opened) < 55.0, "it has calmed down"


async def test_while_nobody_is_let_in_few_try_and_all_give_up_in_time(autojump_clock: trio.testing.MockClock) -> None:
    machine = Machine(0.7 / CALLS, 1.0 / CALLS)
    plays = crowd(CALLS, 36.0, machine)
    gone: list[float] = []

    async def call(play: Play) -> None:
        with pytest.RaisesGroup(RecognizerError, flatten_subgroups=True):
            await play.run(90.0)
        gone.append(trio.current_time())

    async with trio.open_nursery() as calls:
        for play in plays:
            play.sources = replace(play.sources, away_seconds=AWAY_SECONDS)
            calls.start_soon(call, play)
        await trio.sleep(15.0)
        machine.work(1000.0)
    turned_out = 15.0 + 4.0 + 5.0  # what is on its way fills the window, and then five seconds go by
    assert turned_out + AWAY_SECONDS - 2.0 <= min(gone)
    assert max(gone) <= turned_out + AWAY_SECONDS + 6.0, "an opening that had begun is waited for"
    rounds = (AWAY_SECONDS + 6.0) / 5.0
    assert len(machine.opened) - CALLS <= (rounds + 1) * FEWEST_PLACES


async def test_who_waits_for_a_recogniser_that_fails_goes_to_the_other(autojump_clock: trio.testing.MockClock) -> None:
    dead, well = Machine(1.0, 1000.0), Machine(0.3 / CALLS, 1.0 / CALLS)
    plays = crowd(2 * MOST_PLACES, 12.0, dead)
    async with trio.open_nursery() as calls:
        for play, other in zip(plays, crowd(2 * MOST_PLACES, 12.0, well), strict=True):
            recognizers = play.sources.recognizers + other.sources.recognizers
            play.sources = replace(play.sources, recognizers=recognizers, away_seconds=AWAY_SECONDS)
            calls.start_soon(play.run, 30.0)
    for play in plays:
        play.check()
        assert play.heard_at[0] < AWAY_SECONDS, "not after the time that a call outlives its recogniser"


@pytest.mark.parametrize("breaks", [6, 20])
async def test_a_stream_that_says_something_and_breaks_comes_back_more_slowly_and_for_ever(
    breaks: int, autojump_clock: trio.testing.MockClock
) -> None:
    speech = [(RATE, 7 * RATE), (60 * RATE, 61 * RATE)]
    recognizer = PlacingRecognizer(speech, [Fate("breaks", 3 * RATE)] * breaks)
    play = Play(speech, (recognizer,), away_seconds=AWAY_SECONDS / 4)
    await play.run()
    play.check()
    assert recognizer.tries == breaks + 1, "it says something: the call does not give it up"
    waited = sum(RETRY_SECONDS) + (breaks - len(RETRY_SECONDS)) * RETRY_SECONDS[-1]
    assert 0.5 * waited <= play.heard_at[0] <= 1.5 * waited + 5.0


async def test_a_stream_that_lasted_a_while_is_replaced_at_once(autojump_clock: trio.testing.MockClock) -> None:
    speech = [(at * 8 * RATE, (at * 8 + 3) * RATE) for at in range(1, 7)]
    recognizer = PlacingRecognizer(speech, [Fate("breaks", 6 * RATE)] * 6)
    play = Play(speech, (recognizer,))
    await play.run()
    play.check()
    late = [at - speech[number][1] / RATE for number, at in enumerate(play.heard_at)]
    assert recognizer.tries == 7
    assert max(late) <= 0.4 + 0.2 + 0.2, "pause, delay, chunks: as without a fault"
