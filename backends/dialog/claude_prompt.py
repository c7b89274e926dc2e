"""One request of the Messages API: who the model is, what it may do, what was said, and where the cache may cut. Pure.

The order on the wire is tools, system, messages; what comes first changes least, so that the prefix can be cached:
tools and instructions between all calls of an agent, the messages of a call from its second turn on.
https://platform.claude.com/docs/en/build-with-claude/prompt-caching"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backends.dialog.claude_budget import first_kept
from backends.dialog.claude_manner import manner
from backends.dialog.claude_messages import Block, Message, messages_of, note_of
from callengine.ports.reasoning import ReplyRequest
from callengine.ports.tools import ToolSpec

_CACHED = {"type": "ephemeral"}
_CACHED_TURNS = 2  # with the one of the instructions three breakpoints, of the four that a request may have


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reply may take: tokens it may have, tokens of history that are sent, seconds to its first word and end."""

    max_tokens: int = 600
    history_tokens: int = 20000
    first_token_seconds: float = 3.0
    turn_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class ModelTraits:
    """What a model takes: thinking turned off, for the caller waits; a level of effort ("" where it has none)."""

    model: str
    thinking_off: bool = False
    effort: str = ""


def body_of(request: ReplyRequest, traits: ModelTraits, limits: Limits, broken_off: str = "") -> dict[str, Any]:
    """The arguments of `messages.create`. `broken_off`: see `note_of`."""
    behaviour = manner(request.caller.language)
    kept = first_kept(request.history, limits.history_tokens)
    messages = messages_of(request.history[kept:], behaviour, begun=not kept)
    _mark(messages)
    if note := note_of(request.history, behaviour, broken_off):
        _append(messages, note)
    body: dict[str, Any] = {
        "model": traits.model,
        "max_tokens": limits.max_tokens,
        "system": _system(behaviour.instructions, request.instructions),
        "messages": messages,
    }
    if request.tools:
        body["tools"] = tools_of(request.tools)
    if traits.thinking_off:
        body["thinking"] = {"type": "disabled"}
    if traits.effort:
        body["output_config"] = {"effort": traits.effort}
    return body


def prefix_of(instructions: str, tools: Sequence[ToolSpec], language: str) -> dict[str, Any]:
    """What all calls of an agent begin with on the wire, whatever is said."""
    return {"tools": tools_of(tools), "system": _system(manner(language).instructions, instructions)}


def tools_of(specs: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """The tools as the model sees them, in their order."""
    return [
        {"name": spec.name, "description": spec.description, "input_schema": {"type": "object", **spec.parameters}}
        for spec in specs
    ]


def _system(ours: str, shops: str) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text} for text in (ours, shops.strip()) if text]
    blocks[-1]["cache_control"] = _CACHED
    return blocks


def _mark(messages: list[Message]) -> None:
    """Breakpoints behind what will be sent again as it is; a request reads what an earlier one wrote at its own."""
    turns = [message for message in messages if message["role"] == "user"]
    for message in turns[-_CACHED_TURNS:]:
        message["content"][-1]["cache_control"] = _CACHED


def _append(messages: list[Message], note: Block) -> None:
    if messages[-1]["role"] == "assistant":
        messages.append({"role": "user", "content": []})
    messages[-1]["content"].append(note)
