"""Prompt caching on the wire: what a request has up to its last breakpoint is how the call's next request begins."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.messages_api import MessagesApi
from tests.messages_api.cache import stable_bytes, wire_head


@dataclass(slots=True)
class Prefixes:
    """Of all requests but the first of each call (`followed`): how many begin byte for byte as the one before
    (`stable`). `said_anew`: requests that were left, for the caller went on; the one that has the whole turn is held
    against the one before. `strange`: requests of no known call. `unlike`: where one began otherwise, both."""

    followed: int = 0
    stable: int = 0
    said_anew: int = 0
    strange: int = 0
    unlike: list[str] = field(default_factory=list)

    def add(self, other: "Prefixes") -> None:
        self.followed += other.followed
        self.stable += other.stable
        self.said_anew += other.said_anew
        self.strange += other.strange
        self.unlike += other.unlike


def count_prefixes(api: MessagesApi, opened: Sequence[str]) -> Prefixes:
    """`opened`: the first words of every call, by which its requests are known."""
    found, requests = Prefixes(), [received.json for received in api.received]
    found.strange = len(requests)
    for words in opened:
        ours = [request for request in requests if _opens(request, words)]
        found.strange -= len(ours)
        _count_call(ours, found)
    return found


def _count_call(requests: Sequence[dict[str, Any]], found: Prefixes) -> None:
    before: list[dict[str, Any]] = []
    for request in requests:
        if before and is_said_anew(before[-1], request):
            before.pop()
            found.said_anew += 1
        if before:
            one = before[-1]
            found.followed += 1
            if wire_head(one) == wire_head(request) and stable_bytes(request).startswith(stable_bytes(one)):
                found.stable += 1
            else:
                found.unlike.append(_unlike(one, request))
        before.append(request)


def is_said_anew(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """The caller's turn that `one` ends with was not over: `other` ends with it and what came then."""
    (*before, last), (*others, longer) = one["messages"], other["messages"]
    texts = [_texts(message) for message in (last, longer)]
    if before != others or not all(texts):
        return False
    (*heads, words), (*other_heads, more) = texts
    return heads == other_heads and more != words and more.startswith(words)


def _unlike(one: dict[str, Any], other: dict[str, Any]) -> str:
    """From the first message that is not the same, or what stands before all messages."""
    pairs = zip(one["messages"], other["messages"], strict=False)
    at = next((at for at, (mine, theirs) in enumerate(pairs) if _texts(mine) != _texts(theirs)), None)
    if at is None:
        return "what stands before the messages, or how a message is cut into blocks"
    said = (" | ".join(text for message in each["messages"][at:] for text in _texts(message)) for each in (one, other))
    return f"message {at}: «{'», then «'.join(said)}»"


def _texts(message: dict[str, Any]) -> list[str]:
    return [block["text"] for block in message["content"] if "text" in block]


def _opens(request: dict[str, Any], words: str) -> bool:
    """Whether the caller's first turn has these words, or begins with them and goes on."""
    messages = request["messages"]
    greeted = next(at for at, message in enumerate(messages) if message["role"] == "assistant")
    return any(f"{text} ".startswith(f"{words} ") for text in _texts(messages[greeted + 1]))
