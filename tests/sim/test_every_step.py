"""A line that ends, and a drain that cancels, between any two steps of a call's tasks: the record is what was heard.

An undisturbed play is counted first; then it is played again and disturbed at every few of its steps."""

from collections.abc import Callable
from typing import Literal

import pytest
import trio
import trio.testing

from tests.sim.call import Stage, open_stage
from tests.sim.checks import check_call, closed
from tests.sim.plays import Delays, rich_parts, speak_all
from tests.sim.stamped import StampedVoice

TASKS = ("callengine.call.", "tests.sim.call._answer")
STRIDE = 11  # all of them take a minute and pass too
Disturbance = Literal["line", "drain"]


class CountSteps(trio.abc.Instrument):
    """Counts the steps of a call's tasks; before step `at` it does `disturb`."""

    def __init__(self, at: int = -1, disturb: Callable[[], None] = lambda: None) -> None:
        self.steps = 0
        self._at = at
        self.disturb = disturb

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        # from the first step of a call's own tasks on: before that the caller has no name yet
        if task.name.startswith(TASKS if self.steps else TASKS[0]):
            if self.steps == self._at:
                self.disturb()
            self.steps += 1


def end_line(stage: Stage) -> None:
    """As the clock does when the peer has closed."""
    stage.asterisk.hang_up()
    stage.leg.end("hangup")


def run_play(count: CountSteps, disturbance: Disturbance) -> tuple[Stage, StampedVoice]:
    """The play on a clock of its own, disturbed as `count` says."""
    parts = rich_parts(Delays(interims=0.2, words=0.02, chunks=0.1))
    stages: list[Stage] = []

    async def play() -> None:
        async with open_stage(parts) as stage, trio.open_nursery() as caller:
            stages.append(stage)
            caller.start_soon(speak_all, stage.asterisk)
            count.disturb = {"line": lambda: end_line(stage), "drain": lambda: stage.call.cancel("draining")}[
                disturbance
            ]
            await stage.ended.wait()
            caller.cancel_scope.cancel("the call is over")

    trio.run(play, clock=trio.testing.MockClock(autojump_threshold=0), instruments=[count])
    assert isinstance(parts.voice, StampedVoice)
    return stages[0], parts.voice


@pytest.mark.parametrize("disturbance", ["line", "drain"])
def test_any_step_may_be_the_last(disturbance: Disturbance) -> None:
    undisturbed = CountSteps()
    run_play(undisturbed, disturbance)
    assert undisturbed.steps > 350, "the play is not rich"
    outcomes = set()
    for step in range(0, undisturbed.steps, STRIDE):
        stage, voice = run_play(CountSteps(step), disturbance)
        try:
            check_call(stage, voice)
        except AssertionError as error:
            raise AssertionError(f"{disturbance} at step {step} of {undisturbed.steps}") from error
        outcomes.add(closed(stage).outcome)
    assert outcomes - {"completed"} == {"handed_over" if disturbance == "drain" else "abandoned"}
