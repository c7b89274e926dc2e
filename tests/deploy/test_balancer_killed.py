"""The balancer itself is killed, and started again as Docker does: every call goes on, and is in the record once."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import trio

from tests.deploy.balancer import Nodes, running_balancer
from tests.deploy.test_balancer import CALLERS, Pair, all_back, all_recorded, nodes, open_callers, pair

__all__ = ["nodes", "pair"]  # fixtures
pytestmark = [pytest.mark.integration, pytest.mark.slow]


async def test_the_calls_of_a_balancer_that_is_killed_go_on_behind_the_next(
    tmp_path: Path, nodes: Nodes, pair: Pair, record_property: Callable[[str, object], None]
) -> None:
    with ExitStack() as running:
        first = running.enter_context(running_balancer(tmp_path, nodes.ports))
        async with open_callers(nodes, first) as callers:
            first.process.kill()
            await trio.to_thread.run_sync(first.process.wait)
            again = running_balancer(tmp_path, nodes.ports)
            await trio.to_thread.run_sync(running.enter_context, again)
            lost = await all_back(callers)
            assert len(lost) == CALLERS
            worst = max(seconds for caller in lost for seconds in caller.away_seconds)
            record_property("figure", f"{worst:8.3f} s  the balancer killed, and another: the longest away of 6 calls")
        await all_recorded(nodes)
