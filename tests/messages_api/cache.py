"""The prompt cache of the stand-in, by the rules of the real one: a request writes the prefix up to each of its
breakpoints, and reads the longest that was written, looked for at most 20 blocks before a breakpoint.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_BREAKPOINTS = 4
LOOK_BACK = 20


def blocks_of(body: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """The request's blocks in the order of the prompt (tools, system, messages): each as JSON without its breakpoint,
    and whether it had one."""
    system = body.get("system", [])
    parts: list[tuple[str, Mapping[str, Any]]] = [("tool", tool) for tool in body.get("tools", [])]
    parts += [("system", block) for block in system]
    parts += [(message["role"], block) for message in body["messages"] for block in message["content"]]
    return [
        (json.dumps([role, {k: v for k, v in block.items() if k != "cache_control"}], ensure_ascii=False), marked)
        for role, block in parts
        for marked in ["cache_control" in block]
    ]


def stable_bytes(body: Mapping[str, Any]) -> bytes:
    """The prompt in the API's order up to the last breakpoint, without the breakpoints themselves."""
    blocks = blocks_of(body)
    last = max(at for at, (_, marked) in enumerate(blocks) if marked)
    return "\n".join(text for text, _ in blocks[: last + 1]).encode()


def wire_head(body: Mapping[str, Any]) -> str:
    """Everything that stands before the messages, with its breakpoints, as it was sent."""
    return json.dumps({name: value for name, value in body.items() if name != "messages"}, ensure_ascii=False)


@dataclass
class PromptCache:
    """A token is four bytes of a block."""

    written: set[str] = field(default_factory=set)

    def usage(self, body: Mapping[str, Any]) -> dict[str, int]:
        """What the request reads and writes, as the API tells it."""
        blocks = blocks_of(body)
        digest, keys, tokens = hashlib.sha256(body["model"].encode()), [], []
        for text, _ in blocks:
            digest.update(text.encode())
            keys.append(digest.hexdigest())
            tokens.append(len(text.encode()) // 4)
        marks = [at for at, (_, marked) in enumerate(blocks) if marked]
        assert len(marks) <= MOST_BREAKPOINTS
        near = {at for mark in marks for at in range(max(0, mark - LOOK_BACK), mark + 1)}
        read = max((at + 1 for at in near if keys[at] in self.written), default=0)
        until = max((mark + 1 for mark in marks), default=0)
        self.written |= {keys[mark] for mark in marks}
        return {
            "cache_read_input_tokens": sum(tokens[:read]),
            "cache_creation_input_tokens": sum(tokens[read : max(read, until)]),
            "input_tokens": sum(tokens[max(read, until) :]),
        }
