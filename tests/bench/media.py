"""The media plane: silence in, speech without pause out, as many calls as one core holds."""

import json
import os
import sys
from typing import Any

import trio

from tests.bench.engine import LONG, BenchEngine, open_bench_engine

CALLS = (200, 400, 600)
SECONDS, PLACED_PER_SECOND = 30.0, 20
LOAD_CORE = 1


async def measure(runs: int) -> list[dict[str, Any]]:
    """`callengine load` from a second process, `runs` times for each number of calls; one row a run."""
    rows = []
    for calls in CALLS:
        for run in range(runs):
            async with open_bench_engine(LONG) as engine:
                rows.append({"run": run + 1} | await _load(engine, calls))
    return rows


async def _load(engine: BenchEngine, calls: int) -> dict[str, Any]:
    address = f"{engine.host}:{engine.port}"
    ramp = calls / PLACED_PER_SECOND
    command = [sys.executable, "-m", "callengine", "load", address, "--calls", str(calls)]
    command += ["--seconds", str(SECONDS), "--ramp", str(ramp), "--json"]
    before = engine.cpu_seconds()
    done = await trio.run_process(command, capture_stdout=True, check=False, preexec_fn=_pin)
    figures: dict[str, Any] = json.loads(done.stdout)
    busy = SECONDS + ramp / 2  # placed over the ramp: on average half of the calls were up during it
    return figures | {"engine_cores": (engine.cpu_seconds() - before) / busy}


def _pin() -> None:
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {LOAD_CORE})
