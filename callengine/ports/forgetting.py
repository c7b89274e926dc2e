"""What is to be forgotten: the calls of a number, one call, or whatever is older than a time."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["number", "call", "age"]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """An entry of the forget list. `hash`: of salt and number (by its last ten digits) or call id, so that the list
    names nobody; empty for an age. Calls opened `before` a time are meant, those after it are none of its business."""

    kind: Kind
    salt: str
    hash: str
    before: datetime
    noted_at: datetime

    @property
    def identity(self) -> tuple[str, str, str, datetime]:
        """What makes it another entry."""
        return self.kind, self.salt, self.hash, self.before


def hashed(salt: str, value: str) -> str:
    """SHA-256 of both, in hexadecimal: PostgreSQL makes the same with `sha256(convert_to(salt || value, 'UTF8'))`."""
    return hashlib.sha256((salt + value).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Target:
    """What somebody asked to have forgotten. `value`: of a number its last ten digits (`number_key`), of a call its
    id; `before`: as in `Forgotten`."""

    kind: Kind
    value: str
    before: datetime

    def noted(self, salt: str, now: datetime) -> Forgotten:
        """The entry of the list for it."""
        if self.kind == "age":
            return Forgotten("age", "", "", self.before, now)
        return Forgotten(self.kind, salt, hashed(salt, self.value), self.before, now)


@dataclass(frozen=True, slots=True)
class Removed:
    """How much of the record was cleared, or would be."""

    calls: int = 0
    turns: int = 0
    tools: int = 0
    callbacks: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(
            self.calls + other.calls,
            self.turns + other.turns,
            self.tools + other.tools,
            self.callbacks + other.callbacks,
        )


@dataclass(frozen=True, slots=True)
class KeptSound:
    """A recording that the record knows of."""

    call_id: str
    file: str
    url: str
