"""The other engines of the shop: who lives, and what is asked of the one that has a call."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another node that lives. `free`: calls that it would take now; none while it drains."""

    name: str
    free: int


@dataclass(frozen=True, slots=True)
class Order:
    """Something to be done to a call, by the node that has it. `target` is where a transfer goes."""

    what: Literal["hangup", "transfer"]
    call_id: str
    target: str = ""


Obey = Callable[[Order], Awaitable[str]]


class Nodes(Protocol):
    """What the nodes say to each other."""

    async def others(self) -> Sequence[Neighbour]:
        """The nodes that have said within the last seconds that they live, but for this one. Raises ServiceError."""
        ...

    async def ask(self, node: str, order: Order) -> str:
        """Have a node carry out an order: its answer, in a word. Raises ServiceError where none came in time; an order
        that was not taken up by then never is."""
        ...

    async def serve(self, obey: Obey, free: Callable[[], int]) -> None:
        """Carry out other nodes' orders and say how many calls fit, for ever. `obey` raises nothing."""
        ...
