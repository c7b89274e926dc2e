"""What was used, as JSON of a row and back: a line a product, without what is nothing. Money is decimal text."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from callengine.ports.usage import Bill, Used


def packed_bill(bill: Bill | None) -> Jsonb | None:
    """The value of a column `used`."""
    return None if bill is None else Jsonb([_packed(used) for used in bill])


def bill_of(value: Sequence[Mapping[str, Any]] | None) -> Bill:
    """What a column `used` holds; a row older than the column has nothing."""
    return tuple(Used(**(line | {"usd": _money(line["usd"])})) for line in map(dict, value or ()))


def _packed(used: Used) -> dict[str, Any]:
    amounts = {name: amount for name, amount in asdict(used).items() if amount}
    # a plug-in need not name its product
    return amounts | {"product": used.product, "usd": None if used.usd is None else str(used.usd)}


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
