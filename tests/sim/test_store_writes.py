"""Writes happen once: a Store that answers late or not at all, a caller who interrupts, the same order asked again."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from callengine.agent import AgentProfile, load_agent, packaged_agent
from callengine.errors import ServiceError
from callengine.ports.tools import CallerContext, ToolCall, ToolResult
from callengine.ports.writes import Write, WriteLog
from callengine.services.memory_writes import MemoryWriteLog
from tests.shop import open_shop_by

CALLER = CallerContext("call-1", "en-GB", number="+79990001042")
ITEMS = [{"product_id": "T-001", "quantity": 4}]
ORDER = ToolCall("1", "place_order", {"items": ITEMS, "branch_id": "north"})
CANCEL = ToolCall("1", "cancel_order", {"number": 1042})
PLAYS = ("well", "late", "lost", "broken", "busy", "away", "html", "empty", "slow")


@dataclass
class Shop:
    """A Store that does what is written for each of its requests, then well. `done`: writes it did, by key."""

    plays: list[str]
    honours: bool = True
    done: list[str] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)
    reads: str = "well"

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.method == "GET":
            return self._read()
        play = self.plays.pop(0) if self.plays else "well"
        if play == "away":
            raise httpx.ConnectError("refused")
        if play == "slow":
            await trio.sleep(60)
        if play in ("busy", "broken", "html"):
            answers = {
                "busy": httpx.Response(429),
                "broken": httpx.Response(503, text="down"),
                "html": httpx.Response(200, html="<p>"),
            }
            return answers[play]
        answer = self._do(request.headers["idempotency-key"])
        if play == "late":
            await trio.sleep(5)
        if play == "lost":
            raise httpx.ReadError("reset")
        return httpx.Response(201) if play == "empty" else answer

    def _do(self, key: str) -> httpx.Response:
        if not (self.honours and key in self.done):
            self.done.append(key)
        return httpx.Response(201, json=an_order(len(self.done)))

    def _read(self) -> httpx.Response:
        if self.reads != "well":
            return httpx.Response(503)
        orders = [an_order(number + 1) for number in range(len(self.done))]
        return httpx.Response(200, json={"items": orders})

    @property
    def writes(self) -> list[httpx.Request]:
        return [request for request in self.asked if request.method != "GET"]


def an_order(number: int) -> dict[str, Any]:
    return {"number": number, "status": "new", "total": "1.00", "items": [{"name_en": "Tyre", "quantity": 4}]}


async def ask(
    shop: Shop, *calls: ToolCall, writes: WriteLog | None = None, agent: AgentProfile | None = None
) -> list[ToolResult]:
    """The calls one after another, each within the engine's own deadline."""
    transport = httpx.MockTransport(shop.answer)
    async with open_shop_by(transport, agent=agent, deadline_seconds=3.0, writes=writes) as toolbox:
        return [await toolbox.run(call, CALLER) for call in calls]


@pytest.fixture
def doubting(tmp_path: Path) -> AgentProfile:
    """The packaged agent, which believes of this Store that it honours no key."""
    packaged = packaged_agent("en")
    text = packaged.read_text(encoding="utf-8")
    text = text.replace('operation = "createOrder"', 'operation = "createOrder"\nrepeat = false')
    path = tmp_path / "agent.toml"
    path.write_text(text.replace('"store-api.yaml"', f'"{packaged.parent}/store-api.yaml"'), encoding="utf-8")
    return load_agent(path, "en")


def content(result: ToolResult) -> Any:
    assert not result.is_error, result.content
    return json.loads(result.content)


def problem(result: ToolResult) -> dict[str, Any]:
    assert result.is_error, result.content
    found: dict[str, Any] = json.loads(result.content)
    return found


async def test_the_store_is_sent_what_was_agreed(autojump_clock: trio.testing.MockClock) -> None:
    shop = Shop([])
    (result,) = await ask(shop, ORDER)
    (request,) = shop.writes
    assert (request.method, request.url.path) == ("POST", "/api/v1/orders")
    assert json.loads(request.content) == {"phone": "+79990001042", "branch_id": "north", "items": ITEMS}
    assert request.headers["idempotency-key"] == shop.done[0]
    assert content(result)["number"] == 1


@pytest.mark.parametrize("play", ["late", "lost", "slow", "broken", "html"])
async def test_a_lost_answer_is_asked_for_again_under_the_same_key(
    play: str, autojump_clock: trio.testing.MockClock
) -> None:
    shop = Shop([play])
    (result,) = await ask(shop, ORDER)
    assert content(result)["number"] == 1
    first, second = shop.writes
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert len(shop.done) == 1


async def test_the_same_order_again_is_answered_from_the_record(autojump_clock: trio.testing.MockClock) -> None:
    shop = Shop([])
    items = [{"quantity": 4.0, "product_id": "T-001"}]
    same = ToolCall("2", "place_order", {"branch_id": "north", "phone": "+79990001042", "items": items})
    other = ToolCall("3", "place_order", {"branch_id": "south", "items": items})
    first, second, third = await ask(shop, ORDER, same, other)
    assert (second.id, second.content) == ("2", first.content)
    assert content(third)["number"] == 2
    assert len(shop.writes) == 2


async def test_two_at_once_are_one(autojump_clock: trio.testing.MockClock) -> None:
    shop = Shop(["late"])
    results: list[ToolResult] = []
    async with open_shop_by(httpx.MockTransport(shop.answer)) as toolbox:

        async def run(call_id: str) -> None:
            results.append(await toolbox.run(ToolCall(call_id, ORDER.name, ORDER.arguments), CALLER))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run, "1")
            nursery.start_soon(run, "2")
    assert {result.id for result in results} == {"1", "2"}
    assert len({result.content for result in results}) == 1
    assert len(shop.writes) == 1


async def test_a_caller_who_interrupts_does_not_undo_it(autojump_clock: trio.testing.MockClock) -> None:
    shop = Shop(["late"])
    async with open_shop_by(httpx.MockTransport(shop.answer)) as toolbox:
        with trio.move_on_after(1):
            await toolbox.run(ORDER, CALLER)
        assert trio.current_time() >= 5  # it was waited for
        (first,) = shop.done
        assert content(await toolbox.run(ORDER, CALLER))["number"] == 1
    assert shop.done == [first]
    assert len(shop.writes) == 1


async def test_who_has_gone_before_it_was_sent_sends_nothing(autojump_clock: trio.testing.MockClock) -> None:
    shop = Shop([])
    with trio.CancelScope() as scope:
        scope.cancel("the caller spoke")
        await ask(shop, ORDER)
    assert scope.cancelled_caught
    assert not shop.asked


async def test_a_store_that_never_answers_is_told_honestly_and_in_time(autojump_clock: trio.testing.MockClock) -> None:
    shop = Shop(["slow"] * 3, reads="broken")
    start = trio.current_time()
    (result,) = await ask(shop, ORDER)
    assert trio.current_time() - start == 3 * 3.0 + 1.5
    assert problem(result) == {
        "error": "the store's system did not answer in time; nobody knows whether it was done; do not call this again, "
        "say so, and promise that a person will call back"
    }


async def test_what_nobody_knows_is_looked_up(autojump_clock: trio.testing.MockClock) -> None:
    shop = Shop(["lost"] * 3)
    (result,) = await ask(shop, ORDER)
    found = problem(result)
    assert "nobody knows whether it was done" in found["error"]
    assert [order["number"] for order in found["found"]["orders"]] == [1]
    assert shop.asked[-1].url.params["phone"] == "+79990001042"
    assert len(shop.done) == 1


@pytest.mark.parametrize("play", ["late", "lost", "broken", "html", "slow"])
async def test_a_store_that_honours_no_key_is_never_sent_it_twice(
    play: str, autojump_clock: trio.testing.MockClock, doubting: AgentProfile
) -> None:
    shop = Shop([play], honours=False)
    results = await ask(shop, ORDER, ORDER, agent=doubting)
    assert len(shop.writes) == 1
    assert "nobody knows whether it was done" in problem(results[0])["error"]
    assert "nobody knows whether it was done" in problem(results[1])["error"]


async def test_what_has_not_left_may_be_sent_again(
    autojump_clock: trio.testing.MockClock, doubting: AgentProfile
) -> None:
    shop = Shop(["away", "away"], honours=False)
    results = await ask(shop, ORDER, ORDER, agent=doubting)
    assert [content(result)["number"] for result in results] == [1, 1]
    assert (len(shop.writes), len(shop.done)) == (3, 1)


async def test_a_store_that_is_down_has_done_nothing(autojump_clock: trio.testing.MockClock) -> None:
    shop = Shop(["away"] * 3)
    down, later = await ask(shop, ORDER, ORDER)
    assert problem(down) == {"error": "the store's system cannot be reached"}
    assert content(later)["number"] == 1


async def test_a_refusal_leaves_the_way_free(autojump_clock: trio.testing.MockClock) -> None:
    shop = Shop(["busy"])
    refused, later = await ask(shop, ORDER, ORDER)
    assert problem(refused) == {"error": "the store's system is too busy just now"}
    assert content(later)["number"] == 1


async def test_a_refusal_after_a_lost_answer_proves_nothing(autojump_clock: trio.testing.MockClock) -> None:
    shop = Shop(["lost", "busy", "busy"])
    (result,) = await ask(shop, ORDER)
    assert "nobody knows whether it was done" in problem(result)["error"]


async def test_an_answer_without_words_is_an_answer(autojump_clock: trio.testing.MockClock) -> None:
    shop = Shop(["empty"])
    (result,) = await ask(shop, CANCEL)
    assert content(result) == {"done": True}


class Unwritable(MemoryWriteLog):
    """A record that cannot be written."""

    async def begin(self, write: Write) -> Write | None:
        raise ServiceError("Redis is away")


async def test_what_cannot_be_recorded_is_not_sent(autojump_clock: trio.testing.MockClock) -> None:
    shop = Shop([])
    (result,) = await ask(shop, ORDER, writes=Unwritable())
    assert problem(result) == {"error": "it could not be recorded, so it was not sent"}
    assert not shop.asked


@settings(deadline=None)
@given(st.lists(st.sampled_from(PLAYS), max_size=8), st.integers(1, 3))
def test_whatever_the_store_does_it_is_done_once_and_told_truly(plays: list[str], times: int) -> None:
    shop = Shop(list(plays))

    async def play() -> None:
        transport = httpx.MockTransport(shop.answer)
        async with open_shop_by(transport, deadline_seconds=3.0) as toolbox:
            for _ in range(times):
                result = await toolbox.run(ORDER, CALLER)
                told = json.loads(result.content)
                if "nobody knows" not in told.get("error", ""):
                    assert bool(shop.done) is not result.is_error, told

    trio.run(play, clock=trio.testing.MockClock(autojump_threshold=0))
    assert len(shop.done) <= 1
