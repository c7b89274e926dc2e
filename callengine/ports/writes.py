"""The record of what was written to the Store, kept before it is sent: a write happens once (DESIGN 4.10)."""

from dataclasses import dataclass
from typing import Literal, Protocol

# What is known of a write: it was about to be sent and nobody knows what came of it, or the Store has done it.
WriteState = Literal["open", "done"]


@dataclass(frozen=True, slots=True)
class Write:
    """One write. `key` stands for its call, operation and arguments; it is what the Store is sent as Idempotency-Key.

    `answer`: what the dialog was told, once it is done (JSON text)."""

    key: str
    call_id: str
    operation: str
    state: WriteState = "open"
    answer: str = ""


class WriteLog(Protocol):
    """The writes of all calls, by key. It forgets them some time after their calls."""

    async def begin(self, write: Write) -> Write | None:
        """Record a write that is about to be sent; gives what is recorded of its key already, which then stays.

        Raises ServiceError where it cannot be recorded at all: then it must not be sent."""
        ...

    async def done(self, write: Write) -> None:
        """Record what the Store has answered. Raises ServiceError."""
        ...

    async def undone(self, key: str) -> None:
        """Forget a write that certainly was not done. Raises ServiceError."""
        ...
