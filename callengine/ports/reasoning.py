"""The dialog backend: given what was said, heard and looked up so far, what to say or do next.

A reply is stateless: the whole history goes in, text and tool calls come out. When a reply ends with tool calls, the
call runs them, appends their results to the history and asks again."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from callengine.ports.bridge import Bridge
from callengine.ports.tools import CallerContext, ToolCall, ToolResult, ToolSpec


@dataclass(frozen=True, slots=True)
class CallerSaid:
    """One utterance of the caller, as recognised."""

    text: str


@dataclass(frozen=True, slots=True)
class AgentSaid:
    """What the caller heard the agent say, not what was written. `interrupted`: the caller cut it off there."""

    text: str
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Misheard:
    """The caller's turn before this, which a dialog was told as `told`, really was `said`: the recogniser knew it only
    later. An item of its own, so that a history only grows: what a dialog was sent once it may read from a cache."""

    told: str
    said: str


HistoryItem = CallerSaid | AgentSaid | ToolCall | ToolResult | Misheard


def as_said(history: Iterable[HistoryItem]) -> tuple[HistoryItem, ...]:
    """The history with each turn of the caller's as it really was: for whoever keeps no cache."""
    items: list[HistoryItem] = []
    turn: int | None = None  # where the caller's newest one stands
    for item in history:
        if not isinstance(item, Misheard):
            turn = len(items) if isinstance(item, CallerSaid) else turn
            items.append(item)
        elif turn is not None:
            items[turn] = CallerSaid(item.said)
    return tuple(items)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a part of the reply has cost, in tokens of `model`; the sum over a reply is what it cost. The first three
    are disjoint: read anew, read from the cache, written to it. `prompt_tokens`: of the request's whole prompt."""

    model: str
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    prompt_tokens: int = 0


def _unheard(_usage: Usage) -> None:
    """Nobody wants to know what a reply costs."""


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """Everything a reply is made from. An agent's words at the end of the history are the reply's own beginning, said
    before the tools whose results precede them were run.

    `spent` is told what the reply costs as soon as that is known. It is no event: of a reply that is left in its middle
    nobody takes the events any more, and it has to be paid for all the same."""

    instructions: str
    history: tuple[HistoryItem, ...]
    tools: tuple[ToolSpec, ...]
    caller: CallerContext
    spent: Callable[[Usage], None] = _unheard


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next characters of the reply's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Delayed:
    """The reply takes longer: what there is of its text is to be spoken now, and the agent's own "one moment"."""


ReplyEvent = TextDelta | ToolCall | Delayed


class Reply(Protocol):
    """One reply, as it is made."""

    async def receive(self) -> ReplyEvent | None:
        """The next event, or None when the reply is complete. Raises ReasoningError."""
        ...


class Dialog(Protocol):
    """A dialog backend, ready."""

    async def check(self) -> None:
        """Raise ReasoningError when the backend cannot be reached."""
        ...

    def open_reply(self, request: ReplyRequest) -> AbstractAsyncContextManager[Reply]:
        """A reply; leaving the block closes the request in flight."""
        ...


# Built-in tools the call itself carries out; every dialog backend may call them.
END_CALL = ToolSpec(
    "end_call",
    "Say goodbye first, then end the phone call. Use it when the caller has said goodbye or needs nothing more.",
    {"type": "object", "properties": {}, "additionalProperties": False},
)
TRANSFER = ToolSpec(
    "transfer_to_person",
    "Hand the caller to a person. Say nothing about it yourself: the caller is told that they are being put through, "
    "or the result says why that cannot be.",
    {
        "type": "object",
        "properties": {
            "target": {"type": "string", "description": "Name of a transfer target of the agent file."},
            "summary": {
                "type": "string",
                "description": "For the person, who may hear it before the caller does anything: who calls, what they "
                "want, what was found or done. One to three short sentences in the language of the call, only what "
                "was said or looked up.",
            },
        },
        "required": ["summary"],
        "additionalProperties": False,
    },
)
CALL_BACK = ToolSpec(
    "request_call_back",
    "Leave word that a person is to call the caller back. Use it when nobody can be reached now, or when the caller "
    "would rather be called. Ask what it is about and when it suits them first.",
    {
        "type": "object",
        "properties": {
            "about": {"type": "string", "description": "What it is about, in a sentence, in the language of the call."},
            "when": {"type": "string", "description": "When it suits the caller, in their words; else leave it out."},
            "name": {"type": "string", "description": "The caller's name, where they gave it."},
            "number": {
                "type": "string",
                "description": "Only a number that the caller said, in digits; left out: the one they call from.",
            },
        },
        "required": ["about"],
        "additionalProperties": False,
    },
    writes=True,
)
REPEAT = ToolSpec(
    "repeat_slower",
    "Say your last turn again, word for word and slower. Use it when the caller did not catch what you said or asks "
    "you to speak slower. Say nothing yourself.",
    {"type": "object", "properties": {}, "additionalProperties": False},
)
BUILT_IN = (END_CALL, TRANSFER, CALL_BACK, REPEAT)

# The entry-point group `callengine.dialog`: `open_dialog(settings, bridge)`.
OpenDialog = Callable[[Any, Bridge], AbstractAsyncContextManager[Dialog]]
