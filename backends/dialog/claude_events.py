"""What comes of one streamed message: text as it comes, tool calls at its end, and words for the caller where the
model has none. Pure.

https://platform.claude.com/docs/en/build-with-claude/streaming"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backends.dialog.claude_manner import Manner
from callengine.ports.reasoning import END_CALL, REPEAT, TRANSFER, ReplyEvent, TextDelta, Usage
from callengine.ports.tools import ToolCall

# The engine has its own words for these, where the model has none.
_SPOKEN_FOR = frozenset({END_CALL.name, REPEAT.name, TRANSFER.name})
_CUT_OFF = frozenset({"max_tokens", "model_context_window_exceeded"})


@dataclass(slots=True)
class Reading:
    """One message on its way. `began`: it has content; `text`: what of it has come; `stop_reason`: "" until it is
    whole; `error`: the type of the error that ended it."""

    model: str
    began: bool = False
    text: str = ""
    stop_reason: str = ""
    error: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    _tool: tuple[str, str] | None = None
    _arguments: str = ""

    def feed(self, event: Mapping[str, Any]) -> list[ReplyEvent]:
        """Take the next event; gives what of it can be told at once. Events of kinds yet unknown are nothing."""
        match event:
            case {"type": "message_start", "message": {"usage": usage}}:
                return [self._cost_of_input(usage)]
            case {"type": "content_block_start", "content_block": block}:
                self.began = True
                if block.get("type") == "tool_use":
                    self._tool, self._arguments = (block["id"], block["name"]), ""
            case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(text)}}:
                self.text += text
                return [TextDelta(text)] if text else []
            case {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": str(text)}}:
                self._arguments += text
            case {"type": "content_block_stop"}:
                self._end_block()
            case {"type": "message_delta", "delta": delta, "usage": usage}:
                self.stop_reason = delta.get("stop_reason") or "end_turn"
                return [Usage(self.model, output_tokens=usage.get("output_tokens") or 0)]
            case {"type": "error", "error": error}:
                self.error = str(error.get("type") or "error")
        return []

    def _cost_of_input(self, usage: Mapping[str, Any]) -> Usage:
        names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        return Usage(self.model, *(usage.get(name) or 0 for name in names))

    def _end_block(self) -> None:
        if self._tool is None:
            return
        called, name = self._tool
        self._tool = None
        try:
            arguments = json.loads(self._arguments or "{}")
        except json.JSONDecodeError:  # cut off in the middle: the stop reason says so
            return
        if isinstance(arguments, dict):
            self.calls.append(ToolCall(called, name, arguments))


def last_events(reading: Reading, manner: Manner, said_before: bool, turn: int) -> list[ReplyEvent]:
    """What ends a whole message: its tool calls, and a phrase where the caller would hear nothing or half of it.

    `said_before`: the caller has heard words of this reply before; `turn`: a number that differs from one such reply
    to the next."""
    phrases = manner.phrases
    has_text = bool(reading.text.strip())
    if reading.stop_reason == "refusal":
        return [_phrase(phrases["cannot_help"], has_text)]
    if reading.stop_reason in _CUT_OFF:
        return [_phrase(phrases["go_on" if has_text else "say_again"], has_text)]
    if reading.calls:
        wordless = not (has_text or said_before or any(call.name in _SPOKEN_FOR for call in reading.calls))
        looking = [TextDelta(manner.looking[turn % len(manner.looking)])] if wordless else []
        return [*looking, *reading.calls]
    return [] if has_text else [TextDelta(phrases["say_again"])]


def _phrase(text: str, has_text: bool) -> TextDelta:
    return TextDelta(f" {text}" if has_text else text)
