"""A rule-based shop agent, Russian and English: no key, no network, and the same tools a language model is given.

It is honest about what it is: what it does not understand it asks for again, twice at most, then offers a person.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import trio

from backends.dialog.fixed import TimedReply, events_of
from backends.dialog.shop_agent import Move, State, answer_caller, answer_result
from backends.dialog.vocabulary import LANGUAGES, Vocabulary, vocabulary
from callengine.errors import ReasoningError
from callengine.ports.bridge import Bridge
from callengine.ports.reasoning import (
    TRANSFER,
    AgentSaid,
    CallerSaid,
    HistoryItem,
    Reply,
    ReplyEvent,
    ReplyRequest,
    as_said,
)
from callengine.ports.tools import ToolCall, ToolResult


@dataclass(frozen=True, slots=True)
class ShopDialog:
    """The port's `Dialog`. Delays stand in for a language model's in simulations."""

    first_delay_seconds: float = 0.0
    delta_delay_seconds: float = 0.0

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_reply(self, request: ReplyRequest) -> AsyncIterator[Reply]:
        yield TimedReply(reply_to(request), self.first_delay_seconds, self.delta_delay_seconds)


def reply_to(request: ReplyRequest) -> Sequence[ReplyEvent | ReasoningError]:
    """The whole reply: text word by word, then at most one tool call."""
    words = vocabulary(request.caller.language)
    move = _allowed(_last_move(request.history, words), request, words)
    call = ToolCall(f"call-{len(request.history)}", move.tool, move.arguments or {})
    return events_of((move.text, call) if move.tool else move.text)


def _last_move(history: tuple[HistoryItem, ...], words: Vocabulary) -> Move:
    """The move that the last items of a history ask for; what came before makes the state."""
    move = Move(State(), words.say("listening"))
    tools: dict[str, str] = {}
    for kind, group in groupby(as_said(history), type):
        items = list(group)
        if kind is CallerSaid:
            # One thought may come as several utterances.
            text = " ".join(item.text for item in items if isinstance(item, CallerSaid))
            move = answer_caller(text, move.state, words)
        elif kind is ToolResult:
            move = _answer_results([item for item in items if isinstance(item, ToolResult)], tools, move.state, words)
        elif kind is AgentSaid:
            said = " ".join(item.text for item in items if isinstance(item, AgentSaid))
            move = Move(replace(move.state, said=said), words.say("listening"))
        else:
            tools |= {item.id: item.name for item in items if isinstance(item, ToolCall)}
    return move


def _answer_results(results: Sequence[ToolResult], tools: dict[str, str], state: State, words: Vocabulary) -> Move:
    texts = []
    for result in results:
        move = answer_result(tools.get(result.id, ""), result.content, result.is_error, state, words)
        state = move.state
        texts.append(move.text)
    return Move(state, " ".join(filter(None, texts)))


def _allowed(move: Move, request: ReplyRequest, words: Vocabulary) -> Move:
    """The move, or an honest word where the call has no such tool."""
    if not move.tool or move.tool in {spec.name for spec in request.tools}:
        return move
    return Move(move.state, words.say("no_person" if move.tool == TRANSFER.name else "no_tool"))


@asynccontextmanager
async def open_dialog(settings: Any, bridge: Bridge | None) -> AsyncIterator[ShopDialog]:
    """The entry point `scripted`."""
    await trio.lowlevel.checkpoint()
    for language in LANGUAGES:
        vocabulary(language)  # read now: while calls are up nothing may hold the loop for the milliseconds it takes
    yield ShopDialog()
