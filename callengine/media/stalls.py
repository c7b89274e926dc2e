"""Nothing may stop the clock: the garbage collector kept short, and a watchdog that ends a process whose clock stands.

A full collection took 132 ms with these packages imported (measured); while calls are up there is none but a deliberate
one. When the clock stands, sockets that close are the best news a dialplan can get: it retries on another node."""

import faulthandler
import gc
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog
import trio

WATCH_SECONDS = 0.25
DEAD_SECONDS = 2.0
DEAD_EXIT_STATUS = 70
COLLECT_SECONDS = 60.0
COLLECT_ANYWAY_SECONDS = 1800.0

log = structlog.get_logger(__name__)


@contextmanager
def quiet_gc() -> Iterator[None]:
    """Everything imported and opened so far is frozen; young objects are collected often, the old only deliberately."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    # short middle collections too: at 20 x 1000 one held the loop for 15 ms while 600 calls were placed (measured)
    gc.set_threshold(400, 2, 1_000_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def serve_collections(calls_up: Callable[[], int]) -> None:
    """Collect fully each minute in which no call is up, and every half hour even so; the pause is logged."""
    last = due = trio.current_time()
    while True:
        due += COLLECT_SECONDS
        await trio.sleep_until(due)
        now = trio.current_time()
        if calls_up() and now - last < COLLECT_ANYWAY_SECONDS:
            continue
        last = now
        began = time.perf_counter()
        collected = gc.collect()
        log.debug("collected", objects=collected, seconds=round(time.perf_counter() - began, 4), calls=calls_up())


async def run_watched(  # noqa: ASYNC128 - `run` says that it has started
    run: Callable[..., Awaitable[None]],
    ticks: Callable[[], int],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run the clock under the watchdog, and no longer: a clock that was told to end does not stand.

    Else calls that part from their lines for 2 s, after a second SIGTERM, would be taken for a stall."""
    stop = start_watchdog(ticks)
    try:
        await run(task_status=task_status)
    finally:
        stop.set()


def start_watchdog(ticks: Callable[[], int], die: Callable[[], None] | None = None) -> threading.Event:
    """Watch that `ticks` grows, from a thread; when it stands for 2 s of the thread's own looks, the process ends.

    It counts its own looks and not the time, so that a process that was stopped (SIGSTOP) and goes on is let live.
    Set the event it returns to end the watch."""
    stop = threading.Event()
    thread = threading.Thread(target=watch, args=(ticks, stop.wait, die or end_process), name="watchdog", daemon=True)
    thread.start()
    return stop


def watch(ticks: Callable[[], int], wait: Callable[[float], bool], die: Callable[[], None]) -> None:
    """The watchdog's thread. `wait` takes seconds and returns True when the watch is to end."""
    seen, standing = -1, 0
    while not wait(WATCH_SECONDS):
        now = ticks()
        standing = standing + 1 if now == seen else 0
        seen = now
        if standing * WATCH_SECONDS >= DEAD_SECONDS:
            die()
            return


def end_process() -> None:
    """End the process at once, with the stack of every thread on stderr: sockets close, and dialplans retry."""
    print(f"callengine: the media clock has stood for {DEAD_SECONDS:.0f} s; ending the process", file=sys.stderr)  # noqa: T201
    faulthandler.dump_traceback(all_threads=True)
    os._exit(DEAD_EXIT_STATUS)
