"""The shapes the Store's API speaks. Their descriptions are read by a language model, in `docs/store-api.yaml`."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Category = Literal["tyre", "wheel", "battery"]
Season = Literal["winter", "summer", "all_season"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
OrderStatus = Literal["new", "confirmed", "in_transit", "ready", "completed", "cancelled"]
ProductId = Annotated[
    str, Field(pattern=r"^[A-Z]-\d{3}$", description="Product id, as a search returned it.", examples=["T-001"])
]
OrderNumber = Annotated[int, Field(ge=1, le=999_999, description="Order number, as the customer reads it out.")]
Phone = Annotated[
    str,
    Field(
        min_length=5,
        max_length=32,
        pattern=r"^\+?[\d\s().\-]+$",
        description="Phone number in any usual spelling: +79990001042, 8 (999) 000-10-42.",
        examples=["+79990001042"],
    ),
]
Roubles = Annotated[
    Decimal,
    Field(max_digits=12, decimal_places=2, description="Roubles and kopecks, as decimal text.", examples=["9890.00"]),
]
BranchId = Annotated[str, Field(min_length=1, max_length=32, description="Branch id.", examples=["north"])]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ProductQuery(_Request):
    """What a product search may ask; everything given must hold."""

    text: Annotated[
        str | None,
        Field(
            max_length=200,
            description="What the customer asks for, in their own words, Russian or English; may name a size.",
            examples=["зимние шины 205 55 16"],
        ),
    ] = None
    category: Annotated[Category | None, Field(description="Kind of goods.")] = None
    size: Annotated[
        str | None,
        Field(
            max_length=40,
            description="Size in any usual spelling: 205/55 R16 or 205 55 16 (tyre), R16 (rim), "
            "5x114.3 (bolts), 60 Ah (battery).",
            examples=["205/55 R16"],
        ),
    ] = None
    season: Annotated[Season | None, Field(description="Season of a tyre.")] = None
    brand: Annotated[str | None, Field(max_length=60, description="Brand, in Latin or Russian letters.")] = None
    in_stock: Annotated[bool, Field(description="true: only what some branch has now.")] = False
    limit: Annotated[int, Field(ge=1, le=20, description="How many products to return at most.")] = 5


class BranchStock(_Answer):
    """How many pieces one branch has."""

    branch_id: BranchId
    branch_name_ru: str
    branch_name_en: str
    quantity: Annotated[int, Field(ge=0, description="Pieces that can be taken today.")]


class ProductSummary(_Answer):
    """A product in a list."""

    id: ProductId
    category: Category
    brand: str
    model: str
    name_ru: Annotated[str, Field(description="Full name in Russian, fit to be read out.")]
    name_en: Annotated[str, Field(description="Full name in English, fit to be read out.")]
    size: Annotated[str, Field(examples=["205/55 R16"])]
    season: Annotated[Season | None, Field(description="Season of a tyre; null for other goods.")]
    studded: Annotated[bool | None, Field(description="Whether a winter tyre has studs; null for other goods.")]
    price: Annotated[Roubles, Field(description="Price of one piece in roubles, as decimal text.")]
    stock_total: Annotated[int, Field(ge=0, description="Pieces in all branches together.")]


class Product(ProductSummary):
    """A product with its stock by branch."""

    stock: tuple[BranchStock, ...]


class ProductList(_Answer):
    """Products found, best match first; within equal matches those in stock first, then the cheaper."""

    items: tuple[ProductSummary, ...]
    total: Annotated[int, Field(ge=0, description="How many were found, also beyond the limit.")]
    unmatched_words: Annotated[
        tuple[str, ...],
        Field(
            description="Words of the text that fit nothing in the shop and were left aside (an unknown brand, say)."
        ),
    ]


class WeekdayHours(_Answer):
    """One weekday; both times null: closed."""

    weekday: Weekday
    opens: Annotated[str | None, Field(description="Local time, 24 hours.", examples=["09:00"])]
    closes: Annotated[str | None, Field(description="Local time; 24:00 is midnight.", examples=["21:00"])]


class Branch(_Answer):
    """A shop where goods are sold and orders are picked up."""

    id: BranchId
    name_ru: str
    name_en: str
    address_ru: str
    address_en: str
    phone: str
    timezone: Annotated[str, Field(description="Time zone of the opening hours.")]
    hours: Annotated[tuple[WeekdayHours, ...], Field(description="Monday to Sunday.")]
    hours_ru: Annotated[str, Field(description="The opening hours as a sentence in Russian.")]
    hours_en: Annotated[str, Field(description="The opening hours as a sentence in English.")]


class BranchList(_Answer):
    """All branches."""

    items: tuple[Branch, ...]


class NewOrderItem(_Request):
    """One line of a new order."""

    product_id: ProductId
    quantity: Annotated[int, Field(ge=1, le=20, description="Pieces.")]


class NewOrder(_Request):
    """An order to be placed, for pick-up in a branch."""

    phone: Phone
    customer_name: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    branch_id: BranchId
    items: Annotated[tuple[NewOrderItem, ...], Field(min_length=1, max_length=10)]


class OrderItem(_Answer):
    """One line of an order."""

    product_id: ProductId
    name_ru: str
    name_en: str
    quantity: int
    price: Annotated[Roubles, Field(description="Price of one piece when the order was placed.")]


class Order(_Answer):
    """An order. Its phone number is never read back, only how it ends."""

    number: OrderNumber
    status: Annotated[
        OrderStatus,
        Field(
            description="new: not yet confirmed; confirmed: being put together; in_transit: on its way to the branch; "
            "ready: can be picked up; completed: picked up; cancelled."
        ),
    ]
    placed_on: date
    ready_on: Annotated[date | None, Field(description="Day it is (or was) ready in the branch; null when cancelled.")]
    branch_id: BranchId
    branch_name_ru: str
    branch_name_en: str
    phone_ending: Annotated[str, Field(description="Last four digits of the customer's phone.", examples=["1042"])]
    items: tuple[OrderItem, ...]
    total: Annotated[Roubles, Field(description="Price of the whole order in roubles, as decimal text.")]


class OrderList(_Answer):
    """Orders, the latest first."""

    items: tuple[Order, ...]


class NewCallback(_Request):
    """A wish to be called back by a person."""

    phone: Phone
    customer_name: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    reason: Annotated[str, Field(min_length=1, max_length=500, description="What it is about, in a sentence.")]


class Callback(_Answer):
    """A recorded call-back request."""

    id: int


class FieldProblem(_Answer):
    """One field that cannot be used."""

    field: str
    message: str


class Problem(_Answer):
    """An error, as application/problem+json (RFC 9457)."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: Annotated[str, Field(description="What is wrong and what to do, in one line.")]
    errors: Annotated[tuple[FieldProblem, ...], Field(description="The fields at fault, for a 422.")] = ()
