"""Slow steps of the event loop: counted and named, by a clock that the test moves."""

import logging
from collections.abc import AsyncIterator

import pytest
import trio
from prometheus_client import REGISTRY

from callengine.slow_steps import LOG_EVERY_SECONDS, MAX_NAMES, SLOW_SECONDS, SlowSteps


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def instrument(clock: Clock) -> AsyncIterator[SlowSteps]:
    instrument = SlowSteps(clock)
    trio.lowlevel.add_instrument(instrument)
    yield instrument
    trio.lowlevel.remove_instrument(instrument)


def counted(task: str) -> float:
    return REGISTRY.get_sample_value("callengine_slow_step_seconds_count", {"task": task}) or 0.0


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [record.msg for record in caplog.records if isinstance(record.msg, dict)]


async def hold_the_loop(clock: Clock, seconds: float) -> None:
    """One step of `seconds`, and a quick one after it."""
    await trio.lowlevel.checkpoint()
    clock.now += seconds
    await trio.lowlevel.checkpoint()


async def in_a_task_of_its_own(clock: Clock, seconds: float) -> None:
    """The instrument names tasks, so the function needs one."""
    async with trio.open_nursery() as nursery:  # noqa: ASYNC112
        nursery.start_soon(hold_the_loop, clock, seconds)


NAME = f"{hold_the_loop.__module__}.hold_the_loop"


async def test_a_slow_step_is_counted_by_the_tasks_function(instrument: SlowSteps, clock: Clock) -> None:
    before = counted(NAME)
    await in_a_task_of_its_own(clock, 0.02)
    assert counted(NAME) == before + 1


async def test_a_step_at_the_limit_is_not_slow(instrument: SlowSteps, clock: Clock) -> None:
    before = counted(NAME)
    clock.now = 0.0
    await in_a_task_of_its_own(clock, SLOW_SECONDS)
    assert counted(NAME) == before


async def test_one_line_a_minute_says_how_many_more_there_were(
    instrument: SlowSteps, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for pause in (0.0, 1.0, 1.0, LOG_EVERY_SECONDS):
        clock.now += pause
        # The pause is in this task's own step, so the clock is looked at anew before the next one.
        await in_a_task_of_its_own(clock, 0.5)
    lines = [event for event in logged(caplog) if event["task"] == NAME]
    assert [(event["milliseconds"], event["others"]) for event in lines] == [(500.0, 0), (500.0, 2)]


def test_names_are_functions_and_not_too_many() -> None:
    instrument = SlowSteps(lambda: 0.0)
    assert instrument.label("callengine.call.reader.read_call") == "callengine.call.reader.read_call"
    assert instrument.label("tests.<locals>.f") == "tests.<locals>.f"
    assert instrument.label("<function f at 0x7f00>('+7912')") == "other"
    for number in range(MAX_NAMES):
        instrument.note(f"task_{number}", 0.0, 0.006)
    assert instrument.label("one.more") == "other"
    assert instrument.label("task_7") == "task_7"
