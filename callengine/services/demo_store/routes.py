"""The operations of the Store's API: what each asks, answers and refuses.

They are async though they await nothing: FastAPI would run plain functions in threads, and a transaction of the one
SQLite connection is whole because nothing can come between its steps.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import Response

from callengine.services.demo_store import orders
from callengine.services.demo_store.catalogue import Catalogue
from callengine.services.demo_store.once import write_once
from callengine.services.demo_store.problems import MEDIA_TYPE
from callengine.services.demo_store.schemas import (
    BranchList,
    Callback,
    NewCallback,
    NewOrder,
    Order,
    OrderList,
    OrderNumber,
    Phone,
    Product,
    ProductId,
    ProductList,
    ProductQuery,
)


@dataclass(frozen=True)
class Shop:
    """What the operations work on; `today` gives the shop's date; `honours_keys`: an Idempotency-Key is looked at."""

    database: sqlite3.Connection
    catalogue: Catalogue
    today: Callable[[], date]
    honours_keys: bool = True


def _shop(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


TheShop = Annotated[Shop, Depends(_shop)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        description="The same key gives the same answer without a second write; with another body it is refused (422).",
    ),
]
Number = Annotated[OrderNumber, Path(examples=[1042])]


def problems(**descriptions: str) -> dict[int | str, dict[str, Any]]:
    """The error answers of an operation for its description: `problems(s404="No such order.")`."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        int(status[1:]): {"description": text, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, text in descriptions.items()
    }


router = APIRouter(
    responses=problems(s401="The bearer token is missing or wrong.", s422="The request cannot be used; see `detail`."),
)


@router.get("/products", operation_id="searchProducts", summary="Search products", tags=["products"])
async def search_products(shop: TheShop, query: Annotated[ProductQuery, Query()]) -> ProductList:  # noqa: ASYNC124
    """Find tyres, wheels and batteries by free text, category, size, season, brand and stock.

    Everything given must hold. Without any condition it lists the cheapest products in stock.
    """
    return shop.catalogue.find(query)


@router.get(
    "/products/{id}",
    operation_id="getProduct",
    summary="A product with price and stock",
    tags=["products"],
    responses=problems(s404="There is no such product."),
)
async def get_product(shop: TheShop, product_id: Annotated[ProductId, Path(alias="id")]) -> Product:  # noqa: ASYNC124
    """One product with its price and how many pieces each branch has now."""
    return shop.catalogue.product(product_id)


@router.get(
    "/orders/{number}",
    operation_id="getOrder",
    summary="An order by its number",
    tags=["orders"],
    responses=problems(s404="There is no such order."),
)
async def get_order(shop: TheShop, number: Number) -> Order:  # noqa: ASYNC124
    """The state of one order, what is in it, what it costs, and when and where it can be picked up."""
    return orders.read_order(shop.database, number)


@router.get("/orders", operation_id="findOrders", summary="Orders of a customer", tags=["orders"])
async def find_orders(shop: TheShop, phone: Annotated[Phone, Query()]) -> OrderList:  # noqa: ASYNC124
    """The orders placed from a phone number, the latest first; an empty list when there are none."""
    return OrderList(items=orders.orders_of_phone(shop.database, phone))


@router.post(
    "/orders",
    operation_id="createOrder",
    summary="Place an order",
    tags=["orders"],
    status_code=201,
    response_model=Order,
    responses=problems(s404="There is no such product or branch.", s409="The branch does not have that many."),
)
async def create_order(shop: TheShop, order: NewOrder, key: IdempotencyKey = None) -> Response:  # noqa: ASYNC124
    """Order goods for pick-up in a branch; they are taken out of its stock at once. Send an `Idempotency-Key`."""
    key = key if shop.honours_keys else None
    answer = write_once(shop.database, key, order, lambda: orders.place_order(shop.database, order, shop.today()))
    return Response(answer, 201, media_type="application/json")


@router.post(
    "/orders/{number}/cancel",
    operation_id="cancelOrder",
    summary="Cancel an order",
    tags=["orders"],
    responses=problems(s404="There is no such order.", s409="The order is completed."),
)
async def cancel_order(shop: TheShop, number: Number) -> Order:  # noqa: ASYNC124
    """Cancel an order and put its goods back on the shelf. Cancelling a cancelled order changes nothing."""
    with shop.database:
        return orders.cancel_order(shop.database, number)


@router.get("/branches", operation_id="listBranches", summary="Branches and opening hours", tags=["branches"])
async def list_branches(shop: TheShop) -> BranchList:  # noqa: ASYNC124
    """All branches with address, phone and opening hours: by weekday, and as a sentence in Russian and English."""
    return BranchList(items=shop.catalogue.branches())


@router.post(
    "/callbacks",
    operation_id="requestCallback",
    summary="Ask for a call back",
    tags=["callbacks"],
    status_code=201,
    response_model=Callback,
)
async def request_callback(shop: TheShop, wish: NewCallback, key: IdempotencyKey = None) -> Response:  # noqa: ASYNC124
    """Record that a customer wants to be called back by a person. Send an `Idempotency-Key`."""
    key = key if shop.honours_keys else None
    answer = write_once(shop.database, key, wish, lambda: orders.ask_callback(shop.database, wish, shop.today()))
    return Response(answer, 201, media_type="application/json")
