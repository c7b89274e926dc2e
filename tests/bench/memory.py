"""What a call costs in memory: resident size of the engine without calls and with many that say nothing."""

import trio

from callengine.caller.phone import open_phone
from tests.bench.engine import SHORT, BenchEngine, open_bench_engine

CALLS = 200
SETTLE_SECONDS = 12.0  # greeting over, first question asked; the collector has run


async def measure() -> dict[str, float]:
    """MB of the engine idle, with the calls up, and per call."""
    async with open_bench_engine(SHORT) as engine:
        await _hold(engine, 20)  # what is made once, for the first calls, is not theirs
        idle = engine.resident_bytes()
        up = await _hold(engine, CALLS)
    return {"idle_mb": idle / 1e6, "up_mb": up / 1e6, "per_call_mb": (up - idle) / CALLS / 1e6}


async def _hold(engine: BenchEngine, calls: int) -> int:
    """Resident bytes while so many silent calls are up."""
    async with trio.open_nursery() as nursery:
        for _ in range(calls):
            nursery.start_soon(_silent_call, engine)
            await trio.sleep(0.01)
        await trio.sleep(SETTLE_SECONDS)
        resident = engine.resident_bytes()
        nursery.cancel_scope.cancel()
    return resident


async def _silent_call(engine: BenchEngine) -> None:
    async with open_phone(engine.host, engine.port) as phone:
        await phone.over()
