"""The live state of all nodes: which calls are up, where, and what the dialplan said of them beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import trio

from callengine.ports.tools import CallerContext


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call that is up on a node now."""

    call_id: str
    node: str
    since: datetime


@dataclass(slots=True, eq=False)
class Claim:
    """A node's hold on a call. `epoch` numbers the connections that the call has had from 1 on; 0 while Redis could not
    be asked. `first`: the call has surely had none before this one. `checkpoint`: what the connection before left, or
    nothing. `lost` is set once a newer one has the call."""

    call_id: str
    epoch: int = 0
    checkpoint: str = ""
    first: bool = False
    lost: trio.Event = field(default_factory=trio.Event)


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

    async def claim(self, call_id: str) -> Claim:
        """Take a call that has come, from whoever has it. Within seconds and without an error: what cannot
        be asked is told later, and what this node knows itself serves."""
        ...

    def checkpoint_nowait(self, claim: Claim, text: str) -> None:
        """Keep how far a call is, for the connection after this one. Never blocks, never raises."""
        ...

    def outcome_nowait(self, claim: Claim, word: str) -> None:
        """Keep the dialplan's word for a call, for any node that is asked. Never blocks, never raises."""
        ...

    def release_nowait(self, claim: Claim) -> None:
        """The connection is over; what was said of it is kept for minutes. Never blocks, never raises."""
        ...

    async def outcome(self, call_id: str) -> str:
        """The word that any node has said for a call; empty where none has. Raises ServiceError."""
        ...

    async def publish(self) -> None:
        """Wait until the other nodes can know all that was said here so far. Raises ServiceError."""
        ...

    async def check(self) -> None:
        """Raise ServiceError when the registry cannot be reached."""
        ...
