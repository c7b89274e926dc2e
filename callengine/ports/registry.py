"""The live state of all nodes: which calls are up, where, and what the dialplan said of them beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from callengine.ports.tools import CallerContext


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call that is up on a node now."""

    call_id: str
    node: str
    since: datetime


class Registry(Protocol):
    """Live state, shared by the nodes. Writing never waits."""

    def call_up_nowait(self, call: LiveCall) -> None:
        """Say that a call is up here. Never blocks, never raises."""
        ...

    def call_down_nowait(self, call_id: str) -> None:
        """Say that a call is over. Never blocks, never raises."""
        ...

    async def live_calls(self) -> Sequence[LiveCall]:
        """Calls up on any node. Raises ServiceError."""
        ...

    async def put_caller(self, caller: CallerContext) -> None:
        """Keep what the dialplan knows of a call that is about to come (60 s). Raises ServiceError."""
        ...

    async def take_caller(self, call_id: str) -> CallerContext | None:
        """What was put for this call, if anything. Raises ServiceError."""
        ...

    async def check(self) -> None:
        """Raise ServiceError when the registry cannot be reached."""
        ...
