"""What every toolbox promises a dialog: tools a model can use, and a result for whatever is asked."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import trio
from jsonschema import Draft202012Validator

from callengine.ports.tools import CallerContext, Toolbox, ToolCall, ToolResult
from callengine.services.scripted_tools import ScriptedToolbox
from tests.shop import open_shop, shop_specs
from tests.store_child import running_store

pytestmark = pytest.mark.integration

RUSSIAN = CallerContext("call-1", "ru-RU", number="+79990001042")
ENGLISH = CallerContext("call-2", "en-GB")
SCRIPT: dict[str, dict[str, Any]] = {
    "find_products": {
        "total": 4,
        "unmatched_words": [],
        "products": [
            {"id": "T-009", "name": "Cordiant Snow Cross 2", "price": "5990.00", "in_stock": 0},
            {"id": "T-001", "name": "Nokian Hakkapeliitta 10", "price": "9890.00", "in_stock": 44},
        ],
    },
    "product_details": {
        "id": "T-001",
        "name": "Nokian Hakkapeliitta 10",
        "price": "9890.00",
        "in_stock": 44,
        "branches": [{"id": "north", "branch": "Dmitrovskoye shop", "in_stock": 12}],
    },
    "order_status": {
        "number": 1042,
        "status": "in_transit",
        "placed_on": "2030-01-01",
        "ready_on": "2030-01-02",
        "branch": "Dmitrovskoye shop",
        "total": "39560.00",
        "items": [{"name": "Nokian Hakkapeliitta 10", "quantity": 4}],
    },
    "orders_by_phone": {"total": 0, "orders": []},
    "opening_hours": {
        "branches": [
            {"id": "north", "name": "Shop", "address": "Street 1", "phone": "+74950000101", "hours": "Always."}
        ]
    },
}


@pytest.fixture(scope="module")
def store_url() -> Iterator[str]:
    with running_store("a-token") as url:
        yield url


@pytest.fixture(params=["http", "scripted"])
async def toolbox(request: pytest.FixtureRequest) -> AsyncIterator[Toolbox]:
    if request.param == "scripted":
        yield ScriptedToolbox(await shop_specs(), SCRIPT)
        return
    async with open_shop(request.getfixturevalue("store_url"), "a-token") as http:
        yield http


def content(result: ToolResult) -> Any:
    assert not result.is_error, result.content
    return json.loads(result.content)


def problem(result: ToolResult) -> str:
    assert result.is_error, result.content
    assert list(json.loads(result.content)) == ["error"]
    text: str = json.loads(result.content)["error"]
    assert text
    assert "\n" not in text
    return text


async def test_tools_are_described_for_a_model(toolbox: Toolbox) -> None:
    await toolbox.check()
    names = [spec.name for spec in toolbox.specs]
    assert names == [
        *("find_products", "product_details", "order_status", "orders_by_phone", "opening_hours"),
        *("place_order", "cancel_order"),
    ]
    for spec in toolbox.specs:
        Draft202012Validator.check_schema(dict(spec.parameters))
        assert spec.parameters["additionalProperties"] is False
        assert spec.description
        assert all(parameter["description"] for parameter in spec.parameters["properties"].values())
        assert spec.writes == (spec.name in ("place_order", "cancel_order"))


async def test_products_are_found_and_looked_into(toolbox: Toolbox) -> None:
    query = {"text": "winter tyres", "size": "205 55 16"}
    found = content(await toolbox.run(ToolCall("1", "find_products", query), ENGLISH))
    assert found["total"] == 4
    assert {"id", "name", "price", "in_stock"} == set(found["products"][0])
    product_id = found["products"][-1]["id"]
    product = content(await toolbox.run(ToolCall("2", "product_details", {"product_id": "T-001"}), ENGLISH))
    assert product_id.startswith("T-")
    assert (product["price"], product["in_stock"]) == ("9890.00", 44)
    assert product["branches"][0] == {"id": "north", "branch": "Dmitrovskoye shop", "in_stock": 12}


async def test_an_order_by_number(toolbox: Toolbox) -> None:
    order = content(await toolbox.run(ToolCall("1", "order_status", {"number": 1042}), ENGLISH))
    assert (order["number"], order["status"], order["total"]) == (1042, "in_transit", "39560.00")
    assert order["items"][0]["quantity"] == 4


async def test_branches_can_be_read_out(toolbox: Toolbox) -> None:
    branches = content(await toolbox.run(ToolCall("1", "opening_hours"), ENGLISH))["branches"]
    assert branches
    assert all(set(branch) == {"id", "name", "address", "phone", "hours"} for branch in branches)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("order_status", {}),
        ("order_status", {"number": "one thousand"}),
        ("order_status", {"number": 10**9}),
        ("find_products", {"colour": "red"}),
        ("find_products", {"text": "ш" * 201}),
        ("product_details", {"product_id": None}),
        ("orders_by_phone", {"phone": "mine"}),
        ("make_coffee", {}),
    ],
)
async def test_wrong_calls_are_told_so(toolbox: Toolbox, name: str, arguments: dict[str, Any]) -> None:
    result = await toolbox.run(ToolCall("the-id", name, arguments), RUSSIAN)
    assert problem(result)
    assert result.id == "the-id"


async def test_calls_run_in_parallel_keep_their_ids(toolbox: Toolbox) -> None:
    results: list[ToolResult] = []

    async def run(call: ToolCall) -> None:
        results.append(await toolbox.run(call, ENGLISH))

    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(run, ToolCall(str(number), "order_status", {"number": 1042}))
    assert {result.id for result in results} == {str(number) for number in range(10)}
    assert len({result.content for result in results}) == 1


async def test_a_cancelled_call_ends_and_the_next_one_runs(toolbox: Toolbox) -> None:
    with trio.CancelScope() as scope:
        scope.cancel("the caller spoke")
        await toolbox.run(ToolCall("1", "opening_hours"), ENGLISH)
    assert scope.cancelled_caught
    assert content(await toolbox.run(ToolCall("2", "opening_hours"), ENGLISH))["branches"]


async def test_the_store_speaks_the_callers_language(store_url: str) -> None:
    async with open_shop(store_url, "a-token", language="ru-RU") as http:
        russian = content(await http.run(ToolCall("1", "product_details", {"product_id": "T-001"}), RUSSIAN))
    async with open_shop(store_url, "a-token") as http:
        english = content(await http.run(ToolCall("1", "product_details", {"product_id": "T-001"}), ENGLISH))
    assert russian["name"] == "Зимняя шипованная шина Nokian Hakkapeliitta 10 205/55 R16"
    assert english["name"] == "Nokian Hakkapeliitta 10 205/55 R16 winter studded tyre"


async def test_the_callers_own_number_finds_the_orders(store_url: str) -> None:
    async with open_shop(store_url, "a-token") as http:
        own = content(await http.run(ToolCall("1", "orders_by_phone"), RUSSIAN))
        said = content(await http.run(ToolCall("2", "orders_by_phone", {"phone": "8 999 000-00-11"}), RUSSIAN))
        hidden = problem(await http.run(ToolCall("3", "orders_by_phone"), ENGLISH))
    assert [order["number"] for order in own["orders"]] == [1042, 1037]
    assert [order["number"] for order in said["orders"]] == [1011]
    assert hidden == "the caller's number is hidden or cannot be used; ask for it and give it as 'phone'"


async def test_what_the_store_does_not_have_is_said_in_its_words(store_url: str) -> None:
    async with open_shop(store_url, "a-token") as http:
        assert "no order 9999" in problem(await http.run(ToolCall("1", "order_status", {"number": 9999}), ENGLISH))
        assert "no product T-999" in problem(
            await http.run(ToolCall("2", "product_details", {"product_id": "T-999"}), ENGLISH)
        )
        # An id is one path segment whatever a model writes into it.
        assert problem(await http.run(ToolCall("3", "product_details", {"product_id": "../orders/1042"}), ENGLISH))


async def test_an_order_is_placed_and_cancelled_once(store_url: str) -> None:
    wanted = {"items": [{"product_id": "T-016", "quantity": 1}], "branch_id": "north"}
    async with open_shop(store_url, "a-token") as http:

        async def stock() -> int:
            details = await http.run(ToolCall("0", "product_details", {"product_id": "T-016"}), RUSSIAN)
            return int(content(details)["branches"][0]["in_stock"])

        before = await stock()
        order = content(await http.run(ToolCall("1", "place_order", wanted), RUSSIAN))
        again = content(await http.run(ToolCall("2", "place_order", dict(reversed(wanted.items()))), RUSSIAN))
        assert again == order
        assert (order["status"], order["items"][0]["quantity"], await stock()) == ("new", 1, before - 1)
        own = content(await http.run(ToolCall("3", "orders_by_phone"), RUSSIAN))
        assert own["orders"][0]["number"] == order["number"]
        cancelled = content(await http.run(ToolCall("4", "cancel_order", {"number": order["number"]}), RUSSIAN))
        assert (cancelled, await stock()) == ({"number": order["number"], "status": "cancelled"}, before)
        refused = problem(await http.run(ToolCall("5", "cancel_order", {"number": 1001}), RUSSIAN))
        assert "completed" in refused
