"""Which calls of the record are asked for."""

import re
from dataclasses import dataclass
from datetime import datetime

NUMBER_DIGITS = 10  # +7, 8 and nothing before the same ten digits are one telephone in Russia
_NO_DIGITS = re.compile("[^0-9]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list of all calls, which is newest first: just behind the call that is named."""

    opened_at: datetime
    call_id: str


@dataclass(frozen=True, slots=True)
class CallsWanted:
    """All that is not None must hold: opened at `since` or later, `before` a time, `behind` a place; `number` as
    `number_key` gives it; the outcome."""

    since: datetime | None = None
    before: datetime | None = None
    behind: Place | None = None
    number: str | None = None
    outcome: str | None = None


ALL_CALLS = CallsWanted()


def number_key(number: str) -> str:
    """What a telephone number is found by: its last ten digits, however it is written; empty where it has none."""
    return _NO_DIGITS.sub("", number)[-NUMBER_DIGITS:]
