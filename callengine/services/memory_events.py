"""The events of all nodes in this process's memory: for simulations, and for an engine on its own."""

from collections.abc import Sequence
from datetime import UTC, datetime

import trio

from callengine.errors import ServiceError
from callengine.ports.events import Heard, Place, Told

MOST_EVENTS = 5000


class MemoryEventLog:
    """The EventLog port over a list that several nodes may share. `fault`: what it raises; `halved`: the next `put`
    adds what it is given and raises the fault all the same."""

    def __init__(self) -> None:
        self.events: list[Heard] = []
        self.fault: ServiceError | None = None
        self.halved: ServiceError | None = None
        self._newest: Place = (0, 0)
        self._last: dict[str, int] = {}
        self._news = trio.Event()

    async def put(self, events: Sequence[Told]) -> None:
        """See the port."""
        await self._check()
        for told in events:
            if told.number > self._last.get(told.source, 0):
                self._last[told.source] = told.number
                self._newest = self._next_place()
                self.events.append(Heard(self._newest, told))
        del self.events[:-MOST_EVENTS]
        self._news.set()
        self._news = trio.Event()
        if (halved := self.halved) is not None:
            self.halved = None
            raise halved

    async def after(self, place: Place, seconds: float) -> Sequence[Heard]:
        """See the port."""
        await self._check()
        if seconds and place >= self._newest:
            news = self._news
            with trio.move_on_after(seconds):
                await news.wait()
            await self._check()
        return [heard for heard in self.events if heard.place > place][:50]

    async def newest(self) -> Place:
        """See the port."""
        await self._check()
        return self._newest

    def _next_place(self) -> Place:
        now = int(datetime.now(UTC).timestamp() * 1000)
        return (now, 0) if now > self._newest[0] else (self._newest[0], self._newest[1] + 1)

    async def _check(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.fault is not None:
            raise self.fault
