"""The watchdog by its looks, without waiting; the collector's schedule in virtual time."""

import gc
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import trio
import trio.testing

from callengine.media.clock import MediaClock
from callengine.media.stalls import (
    COLLECT_ANYWAY_SECONDS,
    COLLECT_SECONDS,
    DEAD_EXIT_STATUS,
    quiet_gc,
    run_watched,
    serve_collections,
    start_watchdog,
    watch,
)


def looks_until_death(ticks: list[int]) -> int | None:
    """How many looks the watchdog takes at a clock with these ticks before it ends the process, if it does."""
    looks, dead = 0, []

    def look() -> int:
        nonlocal looks
        looks += 1
        return ticks[looks - 1]

    def wait(seconds: float) -> bool:
        assert seconds == 0.25
        return looks == len(ticks)

    watch(look, wait, lambda: dead.append(looks))
    return dead[0] if dead else None


@pytest.mark.parametrize(
    ("ticks", "looks"),
    [
        (list(range(40)), None),
        ([5] * 8, None),
        ([5] * 9, 9),  # the first look, and 2 s at which nothing had moved
        ([5] * 8 + [6] * 8 + [7] * 8, None),
        ([1, 2, 3] + [4] * 20, 12),
        ([0] * 30, 9),
        ([], None),
    ],
)
def test_a_clock_that_stands_for_two_seconds_ends_the_process(ticks: list[int], looks: int | None) -> None:
    assert looks_until_death(ticks) == looks


def test_a_watch_can_be_ended() -> None:
    stop = start_watchdog(lambda: 0, die=lambda: pytest.fail("died"))
    stop.set()


async def test_the_watch_ends_with_the_clock_it_is_for() -> None:
    """What is left to do when all is cancelled takes seconds; nobody ticks then, and nothing stands."""
    clock, before = MediaClock(), set(threading.enumerate())  # another test's engine may be at its end
    async with trio.open_nursery() as nursery:
        await nursery.start(run_watched, clock.run, lambda: clock.ticks)
        (thread,) = [new for new in set(threading.enumerate()) - before if new.name == "watchdog"]
        nursery.cancel_scope.cancel("told to end")
    thread.join(60)
    assert not thread.is_alive()


def test_the_end_names_its_cause_and_shows_the_stacks() -> None:
    code = "from callengine.media.stalls import end_process; end_process()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == DEAD_EXIT_STATUS
    assert ended.stderr.startswith("callengine: the media clock has stood for 2 s")
    assert "Current thread" in ended.stderr


@pytest.fixture
def full_collections() -> Iterator[list[float]]:
    """When a full collection was made, in virtual time."""
    found: list[float] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] == 2:
            found.append(trio.current_time())

    gc.callbacks.append(note)
    before = gc.get_threshold()
    gc.set_threshold(before[0], before[1], 1_000_000)
    yield found
    gc.set_threshold(*before)
    gc.callbacks.remove(note)


async def test_an_idle_process_collects_each_minute(
    autojump_clock: trio.testing.MockClock, full_collections: list[float]
) -> None:
    with trio.move_on_after(5 * COLLECT_SECONDS + 1):
        await serve_collections(lambda: 0)
    assert full_collections == pytest.approx([60.0, 120.0, 180.0, 240.0, 300.0])


async def test_a_busy_process_collects_twice_an_hour(
    autojump_clock: trio.testing.MockClock, full_collections: list[float]
) -> None:
    with trio.move_on_after(2 * COLLECT_ANYWAY_SECONDS + 1):
        await serve_collections(lambda: 1)
    assert full_collections == pytest.approx([1800.0, 3600.0])


def test_the_collector_is_as_before_afterwards() -> None:
    before = gc.get_threshold()
    with quiet_gc():
        assert gc.get_threshold() == (400, 2, 1_000_000)
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
