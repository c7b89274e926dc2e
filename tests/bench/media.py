"""The media plane: silence in, speech without pause out, as many calls as one core holds; and the floor under it."""

import json
import os
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from callengine.media.priority import PRIORITY
from tests.bench.engine import ENGINE_CORE, LONG, cpu_seconds, open_bench_engine

CALLS = (200, 400, 600)
SECONDS, PLACED_PER_SECOND = 30.0, 20
LOAD_CORE = 1


async def measure(runs: int) -> list[dict[str, Any]]:
    """`callengine load` from a second process, `runs` times for each number of calls; one row a run.

    At the greatest number each run is followed by one with REALTIME=on (where this user may) and by one against the
    bare loop of `tests.bench.floor`."""
    rows = []
    for calls in CALLS:
        for run in range(1, runs + 1):
            rows.append({"run": run, "what": "engine"} | await _engine_row(calls))
            if calls == CALLS[-1]:
                if _may_be_realtime():
                    rows.append({"run": run, "what": "real time"} | await _engine_row(calls, REALTIME="on"))
                async with _open_floor() as (address, pid):
                    rows.append({"run": run, "what": "bare loop"} | await _load(address, pid, calls))
    return rows


async def _engine_row(calls: int, **environ: str) -> dict[str, Any]:
    async with open_bench_engine(LONG, **environ) as engine:
        return await _load(f"{engine.host}:{engine.port}", engine.pid, calls)


def _may_be_realtime() -> bool:
    return os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_RTPRIO)[0] >= PRIORITY


async def _load(address: str, pid: int, calls: int) -> dict[str, Any]:
    ramp = calls / PLACED_PER_SECOND
    command = [sys.executable, "-m", "callengine", "load", address, "--calls", str(calls)]
    command += ["--seconds", str(SECONDS), "--ramp", str(ramp), "--json"]
    before = cpu_seconds(pid)
    done = await trio.run_process(command, capture_stdout=True, check=False, preexec_fn=lambda: _pin(LOAD_CORE))
    figures: dict[str, Any] = json.loads(done.stdout)
    busy = SECONDS + ramp / 2  # placed over the ramp: on average half of the calls were up during it
    return figures | {"cores": (cpu_seconds(pid) - before) / busy}


@asynccontextmanager
async def _open_floor() -> AsyncIterator[tuple[str, int]]:
    command = [sys.executable, "-m", "tests.bench.floor"]
    root = Path(__file__).parents[2]
    process = await trio.lowlevel.open_process(command, cwd=root, stdout=-1, preexec_fn=lambda: _pin(ENGINE_CORE))
    try:
        assert process.stdout is not None
        said = json.loads(await process.stdout.receive_some(1024))
        yield f"{said['host']}:{said['port']}", process.pid
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


def _pin(core: int) -> None:
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {core})
