"""Calls in a row, refused and abandoned ones among them, one engine: memory flat, no task, socket or file left.

CALLENGINE_CALLS_IN_A_ROW=1000 is the design's number; CI has fewer."""

import os
from pathlib import Path

import httpx
import psutil
import pytest
import trio

from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_serve import abandoned, all_over, at_rest, figures, nonsense, short, turned_away

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CALLS = int(os.environ.get("CALLENGINE_CALLS_IN_A_ROW", "200"))
QUICK = {turned_away: 3, abandoned: 1, nonsense: 1}  # connections each
A_WHOLE_ONE = 5  # rounds for each call with a conversation
WARM = 10  # rounds: pools, caches and worker threads are there after them
GROWN_BYTES = 8 * 2**20
HANGS_SECONDS = 3600  # nothing is timed by it


async def rounds(engine: EngineProcess, api: httpx.AsyncClient, number: int) -> int:
    """So many rounds one after another; the connections they made."""
    made = 0
    for each in range(number):
        kinds = [*QUICK, short] if each % A_WHOLE_ONE == 0 else [*QUICK]
        for kind in kinds:
            await kind(engine)
            await all_over(api)
            made += QUICK.get(kind, 1)
    return made


async def test_nothing_is_left_over_of_many_calls_in_a_row(tmp_path: Path) -> None:
    with running_engine(tmp_path / "data", MAX_CALLS="2") as engine, trio.fail_after(HANGS_SECONDS):
        async with httpx.AsyncClient(base_url=f"http://{engine.api}", trust_env=False, timeout=60) as api:
            process = psutil.Process(engine.process.pid)
            await rounds(engine, api, WARM)
            before = await at_rest(engine, api)
            sizes = [process.memory_info().rss]
            made = 0
            while made < CALLS:
                made += await rounds(engine, api, A_WHOLE_ONE)
                sizes.append(process.memory_info().rss)
            after = await at_rest(engine, api, before)
            threads = process.num_threads()
            busy = (await figures(api))['callengine_calls_total{outcome="busy"}']
    shown = ", ".join(f"{size / 2**20:.1f}" for size in sizes[:: max(1, len(sizes) // 10)])
    told = f"{made} connections: tasks and files {before} -> {after}, {threads} threads, MB of memory: {shown}"
    print(told)  # noqa: T201 - what was measured
    assert after == before
    assert sizes[-1] - sizes[0] < GROWN_BYTES
    assert busy >= made // 6
