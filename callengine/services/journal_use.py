"""What was used, as JSON of a row and back: a line a product, without what is nothing. Money is decimal text."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from psycopg.types.json import Jsonb

from callengine.ports.usage import Bill, Used, used_of


def packed_bill(bill: Bill | None) -> Jsonb | None:
    """The value of a column `used`."""
    return None if bill is None else Jsonb([_packed(used) for used in bill])


def bill_of(value: Sequence[Mapping[str, Any]] | None) -> Bill:
    """What a column `used` holds; a row older than the column has nothing."""
    return tuple(map(used_of, value or ()))


def _packed(used: Used) -> dict[str, Any]:
    amounts = {name: amount for name, amount in asdict(used).items() if amount}
    # a plug-in need not name its product
    return amounts | {"product": used.product, "usd": None if used.usd is None else str(used.usd)}
