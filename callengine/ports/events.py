"""What the nodes tell each other of their calls: one order of events for all of them, kept for a while."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Place = tuple[int, int]  # of an event among all of them: milliseconds since 1970, and a number within one


@dataclass(frozen=True, slots=True)
class Told:
    """An event of one process. `source`: that process; `number`: from 1 on, by one, of its events, so that one that is
    not there any more is missed. `data` is JSON on one line."""

    source: str
    number: int
    name: str
    call_id: str
    data: str


@dataclass(frozen=True, slots=True)
class Heard:
    """An event in the order of all."""

    place: Place
    told: Told


class EventLog(Protocol):
    """The events of all nodes. The oldest go, by number and by age."""

    async def put(self, events: Sequence[Told]) -> None:
        """Add events of one process, in the order of their numbers. Raises ServiceError, after which nobody knows what
        was added: the same ones are to be put again, and each is there once. One caller at a time."""
        ...

    async def after(self, place: Place, seconds: float) -> Sequence[Heard]:
        """Some of the oldest events behind a place; where there are none, those that come within `seconds`, which may
        be none. Raises ServiceError."""
        ...

    async def newest(self) -> Place:
        """The place of the newest event that there was; (0, 0) where nobody knows. Raises ServiceError."""
        ...
