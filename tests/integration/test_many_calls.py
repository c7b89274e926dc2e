"""Calls in a row, refused and abandoned ones among them, one engine: memory flat, no task, socket or file left.

CALLENGINE_CALLS_IN_A_ROW=1000 is the design's number; CI has fewer."""

import os
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import psutil
import pytest
import trio

from tests.agent_files import brief_agent
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_serve import abandoned, all_over, at_rest, figures, nonsense, short, turned_away

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CALLS = int(os.environ.get("CALLENGINE_CALLS_IN_A_ROW", "200"))
QUICK = (turned_away, abandoned, nonsense)
A_WHOLE_ONE = 5  # rounds for each call with a conversation
WARM = 10  # rounds: pools, caches and worker threads are there after them
GROWN_BYTES = 8 * 2**20
HANGS_SECONDS = 3600  # nothing is timed by it

Made = Counter[Callable[[EngineProcess], Awaitable[None]]]


async def rounds(engine: EngineProcess, api: httpx.AsyncClient, number: int) -> Made:
    """So many rounds one after another; what they were made of."""
    made = Made()
    for each in range(number):
        for kind in (*QUICK, short) if each % A_WHOLE_ONE == 0 else QUICK:
            await kind(engine)
            await all_over(api)
            made[kind] += 1
    return made


def connections(made: Made) -> int:
    """One each, but where two calls are up a third is turned away."""
    return made.total() + 2 * made[turned_away]


async def test_nothing_is_left_over_of_many_calls_in_a_row(tmp_path: Path) -> None:
    settings = {"MAX_CALLS": "2", "AGENT_FILE": brief_agent(tmp_path)}
    with running_engine(tmp_path / "data", **settings) as engine, trio.fail_after(HANGS_SECONDS):
        async with httpx.AsyncClient(base_url=f"http://{engine.api}", trust_env=False, timeout=60) as api:
            process = psutil.Process(engine.process.pid)
            warm = await rounds(engine, api, WARM)
            before = await at_rest(engine, api)
            sizes = [process.memory_info().rss]
            made = Made()
            while connections(made) < CALLS:
                made += await rounds(engine, api, A_WHOLE_ONE)
                sizes.append(process.memory_info().rss)
            after = await at_rest(engine, api, before)
            threads = process.num_threads()
            counted = await figures(api)
    shown = ", ".join(f"{size / 2**20:.1f}" for size in sizes[:: max(1, len(sizes) // 10)])
    held = f"tasks and files {before} -> {after}, {threads} threads, MB of memory: {shown}"
    print(f"{connections(made)} connections: {held}")  # noqa: T201 - what was measured
    assert after == before
    assert sizes[-1] - sizes[0] < GROWN_BYTES
    everything = warm + made
    assert counted['callengine_calls_total{outcome="busy"}'] == everything[turned_away]
    gone = 2 * everything[turned_away] + everything[abandoned] + everything[short]
    # who leaves with a question may have been answered by then
    left = sum(counted.get(f'callengine_calls_total{{outcome="{word}"}}', 0) for word in ("abandoned", "completed"))
    assert left == gone
