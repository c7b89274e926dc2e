"""A dialog whose replies follow from their request alone, and which remembers each: who asked twice, what was left."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from callengine.call.turn_words import split_words
from callengine.errors import ReasoningError
from callengine.ports.reasoning import (
    CallerSaid,
    Reply,
    ReplyEvent,
    ReplyRequest,
    TextDelta,
    Usage,
    as_said,
)
from callengine.ports.tools import ToolCall, ToolSpec

ORDER = ToolSpec("order", "Order it.", {"type": "object", "properties": {"what": {"type": "string"}}}, writes=True)
ORDERING = "заказ"  # who says it gets the tool
COST = 1000


@dataclass(slots=True)
class Asked:
    """One request, and how it went. `read`: how many tokens its reply has told of."""

    request: ReplyRequest
    at: float
    left_at: float | None = None
    whole: bool = False
    read: int = 0


@dataclass(slots=True)
class EchoingDialog:
    """The port's `Dialog`. The first word comes after `first_seconds`, the end `word_seconds` a word later.

    `fails`: which of its requests, counted from 0, fail instead of their first word."""

    first_seconds: float = 0.0
    word_seconds: float = 0.0
    fails: frozenset[int] = frozenset()
    asked: list[Asked] = field(default_factory=list)

    def last_told(self) -> list[object]:
        """What stood before the caller's last words in the last request that was answered whole; of the caller's words
        without their signs, which are those of the first transcript that was sent."""
        whole = [asked.request.history[:-1] for asked in self.asked if asked.whole]
        items = whole[-1] if whole else ()
        return [split_words(item.text) if isinstance(item, CallerSaid) else item for item in items]

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_reply(self, request: ReplyRequest) -> AsyncIterator[Reply]:
        asked = Asked(request, trio.current_time())
        self.asked.append(asked)
        try:
            yield _Echo(self, asked, failing=len(self.asked) - 1 in self.fails)
        finally:
            asked.left_at = trio.current_time()


class _Echo:
    def __init__(self, dialog: EchoingDialog, asked: Asked, failing: bool) -> None:
        self._dialog, self._asked = dialog, asked
        self._events = iter(events_for(asked.request))
        self._failing = failing
        self._due = trio.current_time() + dialog.first_seconds

    async def receive(self) -> ReplyEvent | None:
        if not self._asked.read:
            self._asked.read += COST
            self._asked.request.spent(Usage("m", input_tokens=COST))
        event = next(self._events, None)
        await trio.sleep_until(self._due)
        self._due += self._dialog.word_seconds
        if self._failing:
            raise ReasoningError("fails as it was told to", retryable=True)
        self._asked.whole = event is None
        return event


def events_for(request: ReplyRequest) -> list[ReplyEvent]:
    """An answer to the caller's last words; who orders gets the tool."""
    last = as_said(request.history)[-1] if request.history else None
    if not isinstance(last, CallerSaid):
        return [TextDelta("Готово.")]
    words = split_words(last.text)
    if ORDERING in words:
        return [
            TextDelta("Сейчас. "),
            ToolCall(f"c{len(request.history)}", ORDER.name, {"what": " ".join(words)}),
        ]
    return [*(TextDelta(f"{word} ") for word in ("отвечаю", *words)), TextDelta("вот")]


def answer_to(text: str) -> str:
    """What is said to a caller's words that order nothing."""
    return " ".join(("отвечаю", *split_words(text), "вот"))
