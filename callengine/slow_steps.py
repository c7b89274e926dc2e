"""Which task held the event loop: a Trio instrument that counts and names steps over 5 ms (DESIGN section 4.2)."""

import re
import time
from collections.abc import Callable

import structlog
import trio

from callengine import metrics

SLOW_SECONDS = 0.005
LOG_EVERY_SECONDS = 60.0
MAX_NAMES = 200
FUNCTION_NAME = re.compile(r"[\w.<>]{1,120}")

log = structlog.get_logger(__name__)


class SlowSteps(trio.abc.Instrument):
    """Pass one to `trio.run(instruments=[...])`. Runs at every step of every task: two clock reads and one comparison.

    `clock` gives seconds. Steps go into `callengine_slow_step_seconds{task}` by the function the task runs; a function
    is logged at most once a minute, with how many of its slow steps were not.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began = clock()
        self._logged_at: dict[str, float] = {}
        self._not_logged: dict[str, int] = {}

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Trio is about to run the task until its next checkpoint."""
        self._began = self._clock()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """The task came to a checkpoint."""
        now = self._clock()
        if now - self._began > SLOW_SECONDS:
            self.note(self.label(task.name), now, now - self._began)

    def label(self, name: str) -> str:
        """The name as a label: a function's, from a set that cannot grow without end."""
        if name in self._logged_at:
            return name
        return name if FUNCTION_NAME.fullmatch(name) and len(self._logged_at) < MAX_NAMES else "other"

    def note(self, name: str, now: float, seconds: float) -> None:
        """Count one slow step, and log it unless one of that name was logged within the last minute."""
        metrics.slow_step_seconds.labels(task=name).observe(seconds)
        last = self._logged_at.get(name)
        if last is not None and now - last < LOG_EVERY_SECONDS:
            self._not_logged[name] = self._not_logged.get(name, 0) + 1
            return
        self._logged_at[name] = now
        log.warning(
            "slow loop step", task=name, milliseconds=round(seconds * 1000, 1), others=self._not_logged.pop(name, 0)
        )
