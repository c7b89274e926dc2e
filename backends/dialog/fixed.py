"""A dialog for simulations and benchmarks: fixed replies in their order, at a chosen pace."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import trio

from callengine.errors import ReasoningError
from callengine.ports.bridge import Bridge
from callengine.ports.reasoning import (
    CallerSaid,
    Delayed,
    HistoryItem,
    Reply,
    ReplyEvent,
    ReplyRequest,
    TextDelta,
    Usage,
)
from callengine.ports.tools import ToolCall, ToolResult

# What one reply is: its text (told word by word), other events, or both; an exception ends it there. What it costs is
# told when it is asked for.
FixedReply = str | Sequence[str | ToolCall | Delayed | Usage | ReasoningError]

MONOLOGUE = {
    "ru": "Я говорю без остановки, чтобы было слышно каждую паузу в потоке речи. ",
    "en": "I keep talking without a stop, so that every gap in the stream of speech is heard. ",
}
MONOLOGUE_SENTENCES = 400  # half an hour


@dataclass(frozen=True, slots=True)
class ScriptedDialog:
    """The port's `Dialog`: the n-th reply of a call is the n-th of `replies`, then from the first again."""

    replies: tuple[FixedReply, ...]
    first_delay_seconds: float = 0.0
    delta_delay_seconds: float = 0.0

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_reply(self, request: ReplyRequest) -> AsyncIterator[Reply]:
        reply = self.replies[_replies_before(request.history) % len(self.replies)] if self.replies else ""
        for part in [] if isinstance(reply, str) else reply:
            if isinstance(part, Usage):
                request.spent(part)
        yield TimedReply(events_of(reply), self.first_delay_seconds, self.delta_delay_seconds)


class TimedReply:
    """The port's `Reply` over events known beforehand, each `delta_delay_seconds` after the one before."""

    def __init__(
        self, events: Sequence[ReplyEvent | ReasoningError], first_delay_seconds: float, delta_delay_seconds: float
    ) -> None:
        self._events = iter(events)
        self._delay = delta_delay_seconds
        self._due = trio.current_time() + first_delay_seconds

    async def receive(self) -> ReplyEvent | None:
        event = next(self._events, None)
        self._due += self._delay
        await trio.sleep_until(self._due)
        if isinstance(event, ReasoningError):
            raise event
        return event


def events_of(reply: FixedReply) -> list[ReplyEvent | ReasoningError]:
    """A reply as events, but for what it costs; texts are cut behind each word."""
    events: list[ReplyEvent | ReasoningError] = []
    for part in [reply] if isinstance(reply, str) else reply:
        if isinstance(part, str):
            events += [TextDelta(word) for word in part.replace(" ", " \0").split("\0") if word]
        elif not isinstance(part, Usage):
            events.append(part)
    return events


def _replies_before(history: tuple[HistoryItem, ...]) -> int:
    """How many replies a call has had: one for each utterance and one for each batch of tool results, but the last."""
    pairs = zip((None, *history), history, strict=False)
    asked = sum(
        isinstance(item, CallerSaid) or (isinstance(item, ToolResult) and not isinstance(before, ToolResult))
        for before, item in pairs
    )
    return max(asked - 1, 0)


@asynccontextmanager
async def open_monologue(settings: Any, bridge: Bridge | None) -> AsyncIterator[ScriptedDialog]:
    """The entry point `monologue`: once asked anything, it speaks without pause, for load tests."""
    await trio.lowlevel.checkpoint()
    sentence = MONOLOGUE.get(str(settings.call_language).split("-")[0], MONOLOGUE["en"])
    yield ScriptedDialog(([sentence] * MONOLOGUE_SENTENCES,))
