"""What a call uses of services that are paid for, and what that costs. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

Service = Literal["stt", "llm", "tts"]
SERVICES: tuple[Service, ...] = ("stt", "llm", "tts")
SMALLEST = Decimal("1E-10")  # money is kept to so much of a dollar: a token read from a cache costs 1E-8


@dataclass(frozen=True, slots=True)
class Used:
    """So much of one product, named as in the price table: seconds of audio, characters, tokens. `usd` is None where
    the price is not known."""

    service: Service
    product: str
    seconds: float = 0.0
    characters: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    usd: Decimal | None = None


Bill = tuple[Used, ...]  # each product once, in the order of services and products


def added(bill: Iterable[Used], more: Iterable[Used]) -> Bill:
    """Both together. A sum with a part of unknown price is of unknown price."""
    lines: dict[tuple[str, str], Used] = {}
    for used in (*bill, *more):
        key = (used.service, used.product)
        lines[key] = _sum(lines[key], used) if key in lines else used
    return tuple(lines[key] for key in sorted(lines))


def used_of(line: Mapping[str, Any]) -> Used:
    """A line as it is kept in JSON, where dollars are decimal text. Raises TypeError, KeyError or ArithmeticError for
    what is none."""
    usd = line["usd"]
    return Used(**{**line, "usd": None if usd is None else Decimal(usd)})


def cost_by_service(bill: Iterable[Used]) -> dict[Service, Decimal | None]:
    """Dollars of each service that was used."""
    costs: dict[Service, Decimal | None] = {}
    for used in bill:
        costs[used.service] = _money(costs.get(used.service, Decimal(0)), used.usd)
    return costs


def total_cost(bill: Iterable[Used]) -> Decimal | None:
    """Dollars of all of it."""
    total: Decimal | None = Decimal(0)
    for used in bill:
        total = _money(total, used.usd)
    return total


def _sum(one: Used, other: Used) -> Used:
    return replace(
        one,
        seconds=one.seconds + other.seconds,
        characters=one.characters + other.characters,
        input_tokens=one.input_tokens + other.input_tokens,
        cache_read_tokens=one.cache_read_tokens + other.cache_read_tokens,
        cache_write_tokens=one.cache_write_tokens + other.cache_write_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        usd=_money(one.usd, other.usd),
    )


def _money(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other
