"""The demo Store over real HTTP: every operation, and what it refuses."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.store_child import running_store

pytestmark = pytest.mark.integration

TOKEN = "a-token-of-the-tests"


@pytest.fixture(scope="module")
def store_url() -> Iterator[str]:
    with running_store(TOKEN) as url:
        yield url


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=store_url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


async def answer(client: httpx.AsyncClient, path: str, **query: str | int) -> Any:
    response = await client.get(path, params=query)
    assert response.status_code == 200, response.text
    return response.json()


def problem(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status
    detail: str = document["detail"]
    assert detail
    assert "\n" not in detail
    return detail


async def test_search_by_words(store: httpx.AsyncClient) -> None:
    found = await answer(store, "/products", text="зимние шины 205 55 16", limit=2)
    assert found["total"] == 4
    assert len(found["items"]) == 2
    assert all(item["season"] == "winter" and item["size"] == "205/55 R16" for item in found["items"])


async def test_search_by_conditions(store: httpx.AsyncClient) -> None:
    found = await answer(store, "/products", category="tyre", season="winter", size="205/55R16", brand="мишлен")
    assert [item["id"] for item in found["items"]] == ["T-003"]
    assert found["items"][0]["price"] == "12790.00"
    everything = await answer(store, "/products")
    there = await answer(store, "/products", in_stock="true", limit=20)
    assert everything["total"] == 40
    assert there["total"] < 40
    assert all(item["stock_total"] > 0 for item in there["items"])
    batteries = await answer(store, "/products", category="battery", size="60", in_stock="true")
    prices = [float(item["price"]) for item in batteries["items"]]
    assert prices == sorted(prices) == [7480.0, 8990.0, 9350.0]


async def test_search_tells_what_it_left_aside(store: httpx.AsyncClient) -> None:
    found = await answer(store, "/products", text="Pirelli winter tyres")
    assert found["unmatched_words"] == ["pirelli"]
    assert found["total"] == 12


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "21"}, "limit"),
        ({"text": "ш" * 201}, "text"),
        ({"category": "boat"}, "category"),
        ({"colour": "red"}, "colour"),
        ({"size": "large"}, "size"),
    ],
)
async def test_search_refuses_what_it_does_not_know(
    store: httpx.AsyncClient, query: dict[str, str], field: str
) -> None:
    assert field in problem(await store.get("/products", params=query), 422)


async def test_product_with_stock_by_branch(store: httpx.AsyncClient) -> None:
    product = await answer(store, "/products/T-002")
    assert product["name_en"] == "Nokian Hakkapeliitta R5 205/55 R16 winter studless tyre"
    assert [line["branch_id"] for line in product["stock"]] == ["north", "south", "warehouse"]
    assert sum(line["quantity"] for line in product["stock"]) == product["stock_total"]
    problem(await store.get("/products/T-999"), 404)
    problem(await store.get("/products/tyre"), 422)


async def test_order_by_number(store: httpx.AsyncClient) -> None:
    order = await answer(store, "/orders/1042")
    assert (order["status"], order["total"], order["phone_ending"]) == ("in_transit", "39560.00", "1042")
    assert [(item["product_id"], item["quantity"]) for item in order["items"]] == [("T-001", 4)]
    assert order["placed_on"] < order["ready_on"]
    assert "9999" in problem(await store.get("/orders/9999"), 404)
    problem(await store.get("/orders/none"), 422)


async def test_orders_by_phone(store: httpx.AsyncClient) -> None:
    found = await answer(store, "/orders", phone="8 (999) 000-10-42")
    assert [order["number"] for order in found["items"]] == [1042, 1037]
    assert (await answer(store, "/orders", phone="+79991112233"))["items"] == []
    problem(await store.get("/orders", params={"phone": "my phone"}), 422)
    problem(await store.get("/orders"), 422)


async def test_branches_with_hours(store: httpx.AsyncClient) -> None:
    branches = (await answer(store, "/branches"))["items"]
    assert [branch["id"] for branch in branches] == ["north", "south", "warehouse"]
    assert branches[0]["hours"][0] == {"weekday": "monday", "opens": "09:00", "closes": "21:00"}
    assert branches[1]["hours"][6] == {"weekday": "sunday", "opens": None, "closes": None}
    assert branches[2]["hours_ru"] == "Круглосуточно, без выходных."


def an_order(product: str, quantity: int) -> dict[str, Any]:
    return {"phone": "+79995550000", "branch_id": "north", "items": [{"product_id": product, "quantity": quantity}]}


async def stock_in_north(store: httpx.AsyncClient, product: str) -> int:
    quantity: int = (await answer(store, f"/products/{product}"))["stock"][0]["quantity"]
    return quantity


async def test_an_order_is_placed_once_for_a_key(store: httpx.AsyncClient) -> None:
    before = await stock_in_north(store, "B-001")
    key = {"Idempotency-Key": "once"}
    first = await store.post("/orders", json=an_order("B-001", 2), headers=key)
    again = await store.post("/orders", json=an_order("B-001", 2), headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert first.json()["total"] == "17980.00"
    assert await stock_in_north(store, "B-001") == before - 2
    assert await answer(store, f"/orders/{first.json()['number']}") == first.json()
    assert "Idempotency-Key" in problem(await store.post("/orders", json=an_order("B-001", 1), headers=key), 422)
    assert await stock_in_north(store, "B-001") == before - 2


async def test_a_refused_order_leaves_nothing_and_its_key_free(store: httpx.AsyncClient) -> None:
    before = await stock_in_north(store, "B-002")
    too_many = an_order("B-002", 1)
    too_many["items"].append({"product_id": "T-009", "quantity": 4})
    key = {"Idempotency-Key": "refused"}
    assert "T-009" in problem(await store.post("/orders", json=too_many, headers=key), 409)
    assert await stock_in_north(store, "B-002") == before
    assert (await store.post("/orders", json=an_order("B-002", 1), headers=key)).status_code == 201


async def test_orders_that_cannot_be_placed(store: httpx.AsyncClient) -> None:
    problem(await store.post("/orders", json=an_order("T-999", 1)), 404)
    problem(await store.post("/orders", json={**an_order("B-001", 1), "branch_id": "moon"}), 404)
    assert "items" in problem(await store.post("/orders", json={**an_order("B-001", 1), "items": []}), 422)
    assert "quantity" in problem(await store.post("/orders", json=an_order("B-001", 0)), 422)
    problem(await store.post("/orders", content=b"{", headers={"content-type": "application/json"}), 422)
    problem(await store.post("/orders", json=an_order("B-001", 1), headers={"Idempotency-Key": "k" * 129}), 422)


async def test_an_order_is_cancelled_and_its_goods_go_back(store: httpx.AsyncClient) -> None:
    before = await stock_in_north(store, "B-003")
    number = (await store.post("/orders", json=an_order("B-003", 3))).json()["number"]
    for _ in range(2):  # the second changes nothing
        cancelled = await store.post(f"/orders/{number}/cancel")
        assert cancelled.status_code == 200
        assert (cancelled.json()["status"], cancelled.json()["ready_on"]) == ("cancelled", None)
        assert await stock_in_north(store, "B-003") == before
    problem(await store.post("/orders/9999/cancel"), 404)
    assert "completed" in problem(await store.post("/orders/1001/cancel"), 409)


async def test_a_call_back_is_recorded_once_for_a_key(store: httpx.AsyncClient) -> None:
    wish = {"phone": "+79995550000", "reason": "Подобрать диски"}
    key = {"Idempotency-Key": "call-back"}
    first = await store.post("/callbacks", json=wish, headers=key)
    again = await store.post("/callbacks", json=wish, headers=key)
    assert first.status_code == 201
    assert again.json() == first.json()
    problem(await store.post("/orders", json=an_order("B-001", 1), headers=key), 422)


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic YTpi", "Bearer \u043f"])
async def test_a_token_is_asked_of_everybody(store_url: str, authorization: str) -> None:
    async with httpx.AsyncClient(base_url=store_url, timeout=60, trust_env=False) as nobody:
        headers = httpx.Headers([(b"Authorization", authorization.encode())] if authorization else [])
        refused = await nobody.get("/branches", headers=headers)
    problem(refused, 401)
    assert refused.headers["www-authenticate"] == "Bearer"


async def test_the_document_is_served(store_url: str) -> None:
    async with httpx.AsyncClient(base_url=store_url, timeout=60, trust_env=False) as nobody:
        document = await answer(nobody, "/openapi.json")
    assert document["servers"] == [{"url": "/api/v1"}]
    assert "/products" in document["paths"]


async def test_what_is_not_there(store: httpx.AsyncClient) -> None:
    problem(await store.get("/nothing"), 404)
    problem(await store.delete("/orders/1042"), 405)
