"""Prompt caching on the wire: what a request has up to its last breakpoint is how the call's next request begins."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from tests.messages_api import MessagesApi
from tests.messages_api.cache import stable_bytes, wire_head


def stable_turns(api: MessagesApi, opened: Sequence[str]) -> tuple[int, int]:
    """Of all requests but the first of each call: how many begin byte for byte as the one before, and how many there
    are. `opened`: the first words of every call, by which its requests are known."""
    stable = turns = 0
    for requests in _calls([received.json for received in api.received], opened):
        for one, other in pairwise(requests):
            turns += 1
            same_head = wire_head(one) == wire_head(other)
            stable += same_head and stable_bytes(other).startswith(stable_bytes(one))
    return stable, turns


def _calls(requests: Sequence[dict[str, Any]], opened: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    for words in opened:
        yield [request for request in requests if words in _first_words(request)]


def _first_words(request: dict[str, Any]) -> list[str]:
    """The texts of the caller's first turn."""
    messages = request["messages"]
    first = next(at for at, message in enumerate(messages) if message["role"] == "assistant")
    return [
        block["text"] for message in messages[first + 1 : first + 2] for block in message["content"] if "text" in block
    ]
