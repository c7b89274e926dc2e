"""Real servers in a play of virtual time: while one of them is asked, time passes, at a tenth of its pace outside.

A clock that jumps over waiting must not jump while an answer is on its way over a socket: it would be late. Nor is an
answer late because this machine is busy, and a pause between two tries has to end: time goes on, but slowly."""

import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from trio.testing import MockClock

from backends.dialog.fixed import TimedReply
from callengine.errors import ReasoningError
from callengine.ports.reasoning import Dialog, Reply, ReplyEvent, ReplyRequest
from callengine.ports.tools import CallerContext, Toolbox, ToolCall, ToolResult, ToolSpec

FIRST_WORD_SECONDS = 0.4  # of a model's, once the play goes on
WORD_SECONDS = 0.02
OUTSIDE_PACE = 0.1  # of the seconds that pass


@dataclass
class PlayTime:
    """The clock of a play, and how many are being asked outside of it."""

    clock: MockClock
    asked: int = 0

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Time jumps over nothing while the block lasts."""
        self.asked += 1
        self._set()
        try:
            yield
        finally:
            self.asked -= 1
            self._set()

    def _set(self) -> None:
        self.clock.rate = OUTSIDE_PACE if self.asked else 0.0
        self.clock.autojump_threshold = math.inf if self.asked else 0.0


@dataclass
class OutsideToolbox:
    """A toolbox whose Store is real."""

    inner: Toolbox
    time: PlayTime

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return self.inner.specs

    async def check(self) -> None:
        with self.time.outside():
            await self.inner.check()

    async def run(self, call: ToolCall, caller: CallerContext) -> ToolResult:
        with self.time.outside():
            return await self.inner.run(call, caller)


@dataclass
class OutsideDialog:
    """A dialog whose model is real: a reply is taken whole, then told at the pace of a model."""

    inner: Dialog
    time: PlayTime

    async def check(self) -> None:
        with self.time.outside():
            await self.inner.check()

    @asynccontextmanager
    async def open_reply(self, request: ReplyRequest) -> AsyncIterator[Reply]:
        events: list[ReplyEvent | ReasoningError] = []
        with self.time.outside():
            async with self.inner.open_reply(request) as reply:
                try:
                    while (event := await reply.receive()) is not None:
                        events.append(event)
                except ReasoningError as error:
                    events.append(error)
        yield TimedReply(events, FIRST_WORD_SECONDS, WORD_SECONDS)
