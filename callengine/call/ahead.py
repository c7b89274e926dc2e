"""Speculative start: a reply is begun while the pause that may end the caller's turn still runs.

What comes of it waits: nothing is spoken and no tool runs before the answer itself asks for it. A turn that ends with
other words, or goes on, leaves no trace of it but its cost: the request is closed, and the answer asks anew."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from callengine import metrics
from callengine.call.ahead_table import Step, Turn, next_step, serves, stand_of
from callengine.call.turn_words import split_words
from callengine.call.turns import Turns
from callengine.errors import ReasoningError
from callengine.ports.reasoning import Dialog, Reply, ReplyEvent, ReplyRequest

EVENTS = 4096  # of one reply: what has no room here waits where it is made


@dataclass(slots=True)
class _Begun:
    """A reply begun ahead; the port's `Reply` once an answer has taken it."""

    text: str
    request: ReplyRequest
    sending: trio.MemorySendChannel[ReplyEvent]
    events: trio.MemoryReceiveChannel[ReplyEvent]
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    failed: ReasoningError | None = None

    async def receive(self) -> ReplyEvent | None:
        try:
            event = await self.events.receive()
        except trio.EndOfChannel:
            if self.failed is not None:
                raise self.failed from None
            return None
        return event

    async def make(self, dialog: Dialog) -> None:
        """Ask, and keep what comes until it is taken."""
        with self.scope, self.sending:
            try:
                async with dialog.open_reply(self.request) as reply:
                    while (event := await reply.receive()) is not None:
                        await self.sending.send(event)
            except ReasoningError as error:  # whoever takes the reply has to do with it
                self.failed = error


class Ahead:
    """One call's dialog, the port's `Dialog`; with `on` its replies may have been begun ahead."""

    def __init__(self, dialog: Dialog, on: bool) -> None:
        self._dialog = dialog
        self._on = on
        self._begun: _Begun | None = None
        self._starts = 0

    async def check(self) -> None:
        await self._dialog.check()

    def look(self, nursery: trio.Nursery, turns: Turns, request_for: Callable[[str], ReplyRequest]) -> None:
        """Something has happened: begin a reply in `nursery`, or drop the one that was begun, as the table says.

        `request_for`: what the answer would ask if the turn ended now with a text."""
        if not self._on:
            return
        if stand_of(turns) is Turn.OVER:
            self._starts = 0
        step = next_step(turns, self._begun.text if self._begun is not None else "", self._starts)
        if step is not Step.NONE:
            self.drop()
        if step is Step.START:
            self._starts += 1
            text = turns.utterance.text
            self._begun = _Begun(text, request_for(text), *trio.open_memory_channel[ReplyEvent](EVENTS))
            nursery.start_soon(self._begun.make, self._dialog)

    def as_sent(self, text: str) -> str:
        """The caller's words as a reply was begun for them, where they are the same but for signs: the history has what
        was sent of them, so that every request begins with the bytes of the one before."""
        begun = self._begun
        return begun.text if begun is not None and split_words(begun.text) == split_words(text) else text

    def drop(self) -> None:
        """Cancel what was begun and not taken: its request is closed."""
        begun, self._begun = self._begun, None
        if begun is None:
            return
        metrics.speculative_replies_total.labels("discarded" if begun.failed is None else "failed").inc()
        self._leave(begun)

    def _leave(self, begun: _Begun) -> None:
        begun.scope.cancel("the reply has been left")
        begun.events.close()

    @asynccontextmanager
    async def open_reply(self, request: ReplyRequest) -> AsyncIterator[Reply]:
        """The port's: the reply that was begun, where it serves this request; else another one."""
        begun = self._begun
        if begun is None or begun.failed is not None or not serves(begun.request, request):
            self.drop()
            async with self._dialog.open_reply(request) as reply:
                yield reply
            return
        self._begun = None
        metrics.speculative_replies_total.labels("used").inc()
        try:
            yield begun
        finally:
            self._leave(begun)
