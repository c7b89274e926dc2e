"""A time in a query: RFC 3339 with its zone, and nothing else that a parser would make a time of (a number is none)."""

import re
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

_BEGINS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]")


def _written(text: str) -> str:
    if not _BEGINS.match(text):
        raise ValueError("input should be a time such as 2026-03-01T09:00:00Z")
    return text


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]
