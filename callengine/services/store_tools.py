"""The Store's tools as the dialog sees them, and what each asks of the Store's API. Pure.

Each tool is its description, the request it makes of arguments, and the shape its answer is trimmed to: what a voice
can use, in the caller's language. Prices are roubles as decimal text, dates ISO 8601.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from callengine.ports.tools import CallerContext, ToolSpec
from callengine.services import store_answers as answers

_PRODUCTS_SPOKEN = 3  # more than three choices in a row nobody remembers on the phone


class MissingArgumentError(ValueError):
    """An argument that neither the model nor the call could give. Its text says what to ask."""


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """A GET of the Store's API: a path under its base and query parameters."""

    path: str
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StoreTool:
    """One tool. `request` raises MissingArgumentError; `trim` pydantic's ValidationError."""

    spec: ToolSpec
    request: Callable[[Mapping[str, Any], CallerContext], StoreRequest]
    trim: Callable[[Any, bool], dict[str, Any]]


def _find_products(arguments: Mapping[str, Any], _caller: CallerContext) -> StoreRequest:
    query = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in arguments.items()}
    return StoreRequest("/products", {"limit": str(_PRODUCTS_SPOKEN), **query})


def _product_details(arguments: Mapping[str, Any], _caller: CallerContext) -> StoreRequest:
    return StoreRequest(f"/products/{quote(arguments['product_id'], safe='')}", {})


def _order_status(arguments: Mapping[str, Any], _caller: CallerContext) -> StoreRequest:
    return StoreRequest(f"/orders/{int(arguments['number'])}", {})


def _orders_by_phone(arguments: Mapping[str, Any], caller: CallerContext) -> StoreRequest:
    phone = arguments.get("phone") or caller.number
    if not phone:
        raise MissingArgumentError("the caller's number is hidden; ask for the phone number or the order number")
    return StoreRequest("/orders", {"phone": phone})


def _opening_hours(_arguments: Mapping[str, Any], _caller: CallerContext) -> StoreRequest:
    return StoreRequest("/branches", {})


def _spec(name: str, description: str, properties: dict[str, Any], required: tuple[str, ...] = ()) -> ToolSpec:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return ToolSpec(name, description, schema)


STORE_TOOLS = (
    StoreTool(
        _spec(
            "find_products",
            "Search the shop's tyres, wheels and batteries. Gives up to three products, best first, each with id, "
            "name, price in roubles and pieces in stock; `total` says how many there are; `unmatched_words` are words "
            "that fit nothing in the shop (an unknown brand, say).",
            {
                "text": {
                    "type": "string",
                    "maxLength": 200,
                    "description": "What the caller asks for, in their own words, Russian or English.",
                },
                "category": {"enum": ["tyre", "wheel", "battery"], "description": "Kind of goods."},
                "size": {
                    "type": "string",
                    "maxLength": 40,
                    "description": "Size in figures: 205/55 R16 (tyre), R16 (rim), 5x114.3 (bolts), 60 Ah (battery).",
                },
                "season": {"enum": ["winter", "summer", "all_season"], "description": "Season of a tyre."},
                "brand": {"type": "string", "maxLength": 60, "description": "Brand, in Latin or Russian letters."},
                "in_stock": {"type": "boolean", "description": "true: only what can be bought now."},
            },
        ),
        _find_products,
        answers.trim_products,
    ),
    StoreTool(
        _spec(
            "product_details",
            "Price of one product and how many pieces each branch has. Needs the id that find_products gave.",
            {"product_id": {"type": "string", "minLength": 1, "maxLength": 64, "description": "For instance T-001."}},
            ("product_id",),
        ),
        _product_details,
        answers.trim_product,
    ),
    StoreTool(
        _spec(
            "order_status",
            "State of an order by its number: status, contents, price, where and from what day it can be "
            "picked up. Statuses: new, confirmed (being put together), in_transit (on its way to the branch), ready "
            "(can be picked up), completed, cancelled.",
            {"number": {"type": "integer", "minimum": 1, "maximum": 999999, "description": "Order number in figures."}},
            ("number",),
        ),
        _order_status,
        answers.trim_order,
    ),
    StoreTool(
        _spec(
            "orders_by_phone",
            "The latest orders placed from a phone number, newest first; use it when the caller does not know the "
            "number of the order. Without a phone it looks for the number the caller is calling from.",
            {
                "phone": {
                    "type": "string",
                    "pattern": r"^\+?[0-9 ().\-]{5,31}$",
                    "description": "Only a number that the caller said; otherwise leave it out.",
                }
            },
        ),
        _orders_by_phone,
        answers.trim_orders,
    ),
    StoreTool(
        _spec("opening_hours", "The shop's branches with address, phone and opening hours.", {}),
        _opening_hours,
        answers.trim_branches,
    ),
)
STORE_SPECS = tuple(tool.spec for tool in STORE_TOOLS)
