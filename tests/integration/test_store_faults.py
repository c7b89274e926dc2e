"""The demo Store with faults switched on: what the engine makes of each, over real sockets."""

import json
import subprocess
import sys
from typing import Any

import pytest
import trio

from callengine.errors import ServiceError
from callengine.ports.tools import CallerContext, ToolCall, ToolResult
from tests.shop import open_shop
from tests.store_child import running_store

pytestmark = pytest.mark.integration

CALLER = CallerContext("call-1", "en-GB", number="+79995550000")
ORDER = ToolCall("1", "place_order", {"items": [{"product_id": "B-001", "quantity": 2}], "branch_id": "north"})
HOURS = ToolCall("2", "opening_hours")
STOCK = ToolCall("3", "product_details", {"product_id": "B-001"})
IN_NORTH = 5


async def run(call: ToolCall, *arguments: str, deadline_seconds: float = 30.0) -> ToolResult:
    with running_store("", *arguments) as url:
        async with open_shop(url, deadline_seconds=deadline_seconds) as toolbox:
            return await toolbox.run(call, CALLER)


def said(result: ToolResult) -> str:
    assert result.is_error, result.content
    text: str = json.loads(result.content)["error"]
    return text


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("html", "the store's system answered something that is not its API"),
        ("huge", "the store's system answered something that is not its API"),
        ("status=503", "the store's system has a fault of its own (status 503)"),
        ("status=409", "a fault was asked for on the command line"),
        ("down", "the store's system cannot be reached"),
    ],
)
async def test_a_store_at_fault_is_told_honestly(fault: str, text: str) -> None:
    assert said(await run(HOURS, "--fault", fault)) == text


async def test_a_slow_store_is_left_at_the_deadline() -> None:
    assert "did not answer in time" in said(await run(HOURS, "--fault", "slow=60", deadline_seconds=0.5))


async def test_check_names_a_store_that_is_down() -> None:
    with running_store("", "--fault", "down") as url:
        async with open_shop(url) as toolbox:
            with pytest.raises(ServiceError, match=f"Store at {url}/: the store's system cannot be reached"):
                await toolbox.check()


async def in_north(toolbox: Any) -> int:
    result = await toolbox.run(STOCK, CALLER)
    assert not result.is_error, result.content
    return int(json.loads(result.content)["branches"][0]["in_stock"])


@pytest.mark.parametrize("fault", ["late=60", "lost"])
async def test_an_order_whose_answer_is_lost_is_placed_once(fault: str) -> None:
    with running_store("", "--fault", fault, "--fault-on", "POST", "--fault-times", "1") as url:
        # Four seconds: the answer that is late comes never, and one on time comes long before.
        async with open_shop(url, deadline_seconds=4.0) as toolbox:
            order = await toolbox.run(ORDER, CALLER)
            assert not order.is_error, order.content
        async with open_shop(url) as toolbox:
            assert await in_north(toolbox) == IN_NORTH - 2


async def test_a_caller_who_interrupts_a_late_order_gets_its_answer_when_asking_again() -> None:
    with running_store("", "--fault", "late=1", "--fault-on", "POST", "--fault-times", "1") as url:
        async with open_shop(url) as toolbox:
            with trio.move_on_after(0.2):
                await toolbox.run(ORDER, CALLER)
            again = await toolbox.run(ORDER, CALLER)
            assert json.loads(again.content)["status"] == "new"
            assert await in_north(toolbox) == IN_NORTH - 2


async def test_a_store_without_keys_does_it_as_often_as_it_is_asked() -> None:
    """What the engine must reckon with, where nobody says otherwise."""
    with running_store("", "--no-idempotency") as url:
        for _ in range(2):  # two records, as of two nodes that know nothing of each other
            async with open_shop(url) as toolbox:
                assert not (await toolbox.run(ORDER, CALLER)).is_error
        async with open_shop(url) as toolbox:
            assert await in_north(toolbox) == IN_NORTH - 4


@pytest.mark.parametrize("fault", ["flood", "slow", "html=1", "status="])
def test_a_fault_that_is_none_is_refused_in_one_line(fault: str) -> None:
    command = [sys.executable, "-m", "callengine.services.demo_store", "--fault", fault]
    child = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert child.returncode == 2
    assert child.stderr.decode().startswith(f"demo store: --fault: {fault!r} is none of slow=SECONDS")
    assert child.stderr.count(b"\n") == 1
