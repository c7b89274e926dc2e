"""What the stand-in does with one request, and the events of a message as the API streams them.

https://platform.claude.com/docs/en/build-with-claude/streaming"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# Where an answer does not end well: it stalls, its connection closes inside an event, or an `error` event ends it.
Fault = Literal["", "stall", "break", "error"]


@dataclass(frozen=True)
class Tool:
    """A tool the stand-in asks for. `cut`: its arguments end in the middle."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    cut: bool = False


@dataclass(frozen=True)
class Act:
    """One answer: a refusal by `status`, or a stream of text (a delta a word) and tools that ends with `stop_reason`.

    `fault` comes behind the text; `silent_for` seconds pass before the first event with content; `error`: the type of
    an error's body or event."""

    text: str = ""
    tools: tuple[Tool, ...] = ()
    stop_reason: str = ""
    fault: Fault = ""
    silent_for: float = 0.0
    status: int = 200
    error: str = "overloaded_error"
    thinks: bool = False

    def error_body(self) -> dict[str, Any]:
        return {"type": "error", "error": {"type": self.error, "message": "as it was told to"}, "request_id": "req_1"}

    @property
    def ending(self) -> str:
        return self.stop_reason or ("tool_use" if self.tools else "end_turn")


def opening(model: str, number: int, usage: Mapping[str, int]) -> bytes:
    """`message_start`."""
    message: dict[str, Any] = {
        "id": f"msg_{number}", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1},
    }  # fmt: skip
    return event("message_start", message=message)


def contents(act: Act, number: int) -> Iterator[bytes]:
    """The events of the content, one by one."""
    index = 0
    if act.thinks:
        yield event(
            "content_block_start", index=index, content_block={"type": "thinking", "thinking": "", "signature": ""}
        )
        yield event("content_block_delta", index=index, delta={"type": "signature_delta", "signature": "c2ln"})
        yield event("content_block_stop", index=index)
        index += 1
    if act.text:
        yield event("content_block_start", index=index, content_block={"type": "text", "text": ""})
        yield event("ping")
        for word in act.text.replace(" ", " \0").split("\0"):
            yield event("content_block_delta", index=index, delta={"type": "text_delta", "text": word})
        if not act.fault:
            yield event("content_block_stop", index=index)
        index += 1
    for at, tool in enumerate(() if act.fault else act.tools):
        yield from _tool_events(tool, index + at, f"toolu_{number}_{at}")


def _tool_events(tool: Tool, index: int, called: str) -> Iterator[bytes]:
    block = {"type": "tool_use", "id": tool.id or called, "name": tool.name, "input": {}}
    yield event("content_block_start", index=index, content_block=block)
    text = json.dumps(dict(tool.arguments), ensure_ascii=False) if tool.arguments else ""
    text = text[: len(text) // 2] if tool.cut else text
    for part in (text[: len(text) // 2], text[len(text) // 2 :]):
        yield event("content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": part})
    yield event("content_block_stop", index=index)


def closing(act: Act) -> bytes:
    """The last two events; a token of output for each word."""
    delta = {"stop_reason": act.ending, "stop_sequence": None}
    usage = {"output_tokens": len(act.text.split()) + 10 * len(act.tools)}
    return event("message_delta", delta=delta, usage=usage) + event("message_stop")


def event(kind: str, **fields: Any) -> bytes:
    """One server-sent event."""
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()
