"""The line before a recogniser: how many begin at once, who is next, and how long anybody waits."""

from random import Random

import pytest
import trio
import trio.testing

from callengine.call.entrance import FEWEST_PLACES, LINE_SECONDS, LOOK_SECONDS, MOST_PLACES, Entrance, Entrances
from callengine.errors import RecognizerError


def never() -> bool:
    return False


def test_failures_halve_the_places_down_to_a_few() -> None:
    entrance = Entrance()
    seen = []
    for _ in range(6):
        seen.append(entrance.places)
        entrance.narrow()
    assert seen == [32, 16, 8, 4, 2, 2]
    assert entrance.places == FEWEST_PLACES


async def test_whoever_has_begun_well_makes_room_for_two() -> None:
    entrance = Entrance()
    for _ in range(6):
        entrance.narrow()
    for _ in range(2 * MOST_PLACES):
        before = entrance.places
        async with entrance.place(trio.current_time(), 20.0, never) as place:
            place.leave(well=True)
            place.leave(well=True)
        assert entrance.places == min(MOST_PLACES, before + 1), "once a stream"
    async with entrance.place(trio.current_time(), 20.0, never):
        pass
    assert entrance.places == MOST_PLACES


async def test_no_more_begin_at_once_than_there_are_places_and_the_first_in_line_is_next(
    autojump_clock: trio.testing.MockClock,
) -> None:
    entrance = Entrance()
    for _ in range(5):
        entrance.narrow()
    inside, most, order = 0, 0, []

    async def begin(number: int) -> None:
        nonlocal inside, most
        async with entrance.place(trio.current_time(), 20.0, never):
            inside += 1
            most = max(most, inside)
            order.append(number)
            await trio.sleep(0.1 * (1 + number))
            inside -= 1

    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(begin, number)
            await trio.testing.wait_all_tasks_blocked()
    assert (most, order) == (FEWEST_PLACES, list(range(10)))


async def _give_up(entrance: Entrance, since: float, away_seconds: float) -> float:
    with pytest.raises(RecognizerError, match="too many streams"):
        async with entrance.place(since, away_seconds, never):
            pytest.fail("there was no place")
    return trio.current_time()


async def test_who_waits_gives_up_when_nobody_is_let_in(autojump_clock: trio.testing.MockClock) -> None:
    entrance, began = Entrance(), trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(MOST_PLACES):
            nursery.start_soon(_stay, entrance)
        await trio.sleep(3.0)
        assert entrance.crowded
        assert await _give_up(entrance, began + 1.0, 20.0) == began + 21.0
        nursery.cancel_scope.cancel("asked")


async def test_who_waits_goes_elsewhere_when_that_is_better(autojump_clock: trio.testing.MockClock) -> None:
    entrance, began = Entrance(), trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(MOST_PLACES):
            nursery.start_soon(_stay, entrance)
        await trio.testing.wait_all_tasks_blocked()
        async with entrance.place(began, 20.0, lambda: trio.current_time() >= began + 5.0) as place:
            assert not place.held
            assert trio.current_time() <= began + 5.0 + LOOK_SECONDS
        nursery.cancel_scope.cancel("asked")


async def _stay(entrance: Entrance) -> None:
    async with entrance.place(trio.current_time(), 20.0, never):
        await trio.sleep_forever()


@pytest.mark.parametrize(("every", "waits"), [(4.0, LINE_SECONDS), (30.0, 20.0)])
async def test_while_others_are_let_in_who_waits_goes_on(
    every: float, waits: float, autojump_clock: trio.testing.MockClock
) -> None:
    """Behind so many others that no turn comes, in the end it is over all the same."""
    entrance, began = Entrance(), trio.current_time()

    async def next_in_line(number: int) -> None:
        async with entrance.place(trio.current_time(), 1000.0, never) as place:
            await trio.sleep(every * (1 + number % MOST_PLACES))
            place.leave(well=True)
            entrance.narrow()  # and something else fails

    async with trio.open_nursery() as nursery:
        for number in range(2 * MOST_PLACES):
            nursery.start_soon(next_in_line, number)
        await trio.testing.wait_all_tasks_blocked()
        assert await _give_up(entrance, began, 20.0) == began + waits
        nursery.cancel_scope.cancel("asked")


async def test_a_place_that_is_free_is_had_without_any_patience() -> None:
    entrance = Entrance()
    assert not entrance.crowded
    async with entrance.place(trio.current_time() - 100.0, 0.0, never) as place:
        assert place.held


def test_what_many_would_do_in_one_moment_is_spread_and_a_seed_repeats_it() -> None:
    entrances = Entrances()
    spread = [entrances.spread(1.0) for _ in range(200)]
    assert (round(min(spread), 1), round(max(spread), 1)) == (0.5, 1.5)
    assert len(set(spread)) == 200
    assert spread == [Entrances(random=Random(0)).spread(1.0), *spread[1:]]
    assert entrances.spread(0.0) == 0.0
