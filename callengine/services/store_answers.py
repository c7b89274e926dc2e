"""The Store's answers, checked and cut down to what a voice can use, in the caller's language. Pure.

Every `trim_x(answer, russian)` takes decoded JSON and raises pydantic's ValidationError when it is not what
`docs/store-api.yaml` promises.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict

_ORDERS_SPOKEN = 3


class _Known(BaseModel):
    """What we read of an answer; a Store may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Named(_Known):
    name_ru: str
    name_en: str


class _Product(_Named):
    id: str
    price: str
    stock_total: int


class _ProductList(_Known):
    items: tuple[_Product, ...]
    total: int
    unmatched_words: tuple[str, ...] = ()


class _BranchStock(_Known):
    branch_name_ru: str
    branch_name_en: str
    quantity: int


class _ProductWithStock(_Product):
    stock: tuple[_BranchStock, ...]


class _OrderItem(_Named):
    quantity: int


class _Order(_Known):
    number: int
    status: str
    placed_on: str
    ready_on: str | None
    branch_name_ru: str
    branch_name_en: str
    items: tuple[_OrderItem, ...]
    total: str


class _OrderList(_Known):
    items: tuple[_Order, ...]


class _Branch(_Named):
    address_ru: str
    address_en: str
    phone: str
    hours_ru: str
    hours_en: str


class _BranchList(_Known):
    items: tuple[_Branch, ...]


def trim_products(answer: Any, russian: bool) -> dict[str, Any]:
    """`{"total", "unmatched_words", "products": [{"id", "name", "price", "in_stock"}]}`."""
    found = _ProductList.model_validate(answer)
    return {
        "total": found.total,
        "unmatched_words": list(found.unmatched_words),
        "products": [_product(product, russian) for product in found.items],
    }


def trim_product(answer: Any, russian: bool) -> dict[str, Any]:
    """`{"id", "name", "price", "in_stock", "branches": [{"branch", "in_stock"}]}`; only branches that have some."""
    product = _ProductWithStock.model_validate(answer)
    branches = [
        {"branch": line.branch_name_ru if russian else line.branch_name_en, "in_stock": line.quantity}
        for line in product.stock
        if line.quantity
    ]
    return {**_product(product, russian), "branches": branches}


def trim_order(answer: Any, russian: bool) -> dict[str, Any]:
    """`{"number", "status", "placed_on", "ready_on", "branch", "total", "items": [{"name", "quantity"}]}`."""
    return _order(_Order.model_validate(answer), russian)


def trim_orders(answer: Any, russian: bool) -> dict[str, Any]:
    """`{"total", "orders": [as trim_order]}`, the latest three."""
    found = _OrderList.model_validate(answer).items
    return {"total": len(found), "orders": [_order(order, russian) for order in found[:_ORDERS_SPOKEN]]}


def trim_branches(answer: Any, russian: bool) -> dict[str, Any]:
    """`{"branches": [{"name", "address", "phone", "hours"}]}`; hours are a sentence to be read out."""
    return {
        "branches": [
            {
                "name": _name(branch, russian),
                "address": branch.address_ru if russian else branch.address_en,
                "phone": branch.phone,
                "hours": branch.hours_ru if russian else branch.hours_en,
            }
            for branch in _BranchList.model_validate(answer).items
        ]
    }


def _name(named: _Named, russian: bool) -> str:
    return named.name_ru if russian else named.name_en


def _product(product: _Product, russian: bool) -> dict[str, Any]:
    return {
        "id": product.id,
        "name": _name(product, russian),
        "price": product.price,
        "in_stock": product.stock_total,
    }


def _order(order: _Order, russian: bool) -> dict[str, Any]:
    return {
        "number": order.number,
        "status": order.status,
        "placed_on": order.placed_on,
        "ready_on": order.ready_on,
        "branch": order.branch_name_ru if russian else order.branch_name_en,
        "total": order.total,
        "items": [{"name": _name(item, russian), "quantity": item.quantity} for item in order.items],
    }
