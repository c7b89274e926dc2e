"""The control path: what a call asks of the telephone exchange besides its audio.

It is never the only way: a call that is transferred or hung up has its outcome kept for the dialplan first."""

from dataclasses import dataclass
from typing import Literal, Protocol

from callengine.ports.tools import CallerContext

# `moved`: the channel is on its way, and its connection about to end. `told`: the dialplan knows, and goes there when
# the connection ends. `unsaid`: there is no way to tell; the dialplan asks for the outcome.
Transferred = Literal["moved", "told", "unsaid"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the dialplan."""

    context: str
    exten: str
    priority: int


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a caller is put through to: what the dialplan calls it, and its place for an exchange that moves calls."""

    word: str
    place: Place


class Control(Protocol):
    """The exchange's control path. Every method answers within the port's own deadline of two seconds."""

    async def check(self) -> None:
        """Raise ServiceError when the exchange cannot be reached, ConfigError when it refuses us."""
        ...

    async def transfer(self, call_id: str, destination: Destination) -> Transferred:
        """Say where a call is to go; returns once the exchange has acknowledged it. Raises ServiceError."""
        ...

    async def hang_up(self, call_id: str) -> bool:
        """End the channel of a call. False where none was found, or nothing can be said. Raises ServiceError."""
        ...

    async def find_caller(self, call_id: str) -> CallerContext | None:
        """What the exchange knows of a call's caller (its `language` is empty), or None. Raises ServiceError."""
        ...
