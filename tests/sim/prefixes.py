"""What Claude's prompt cache would find in a call's requests: each begins with the bytes of the one before."""

from collections.abc import Sequence
from typing import Any

from backends.dialog.claude_prompt import Limits, ModelTraits, body_of
from callengine.ports.reasoning import AgentSaid, CallerSaid, HistoryItem, Misheard, ReplyRequest
from tests.messages_api.cache import stable_bytes, wire_head


def check_prefixes(asked: Sequence[ReplyRequest]) -> None:
    """Each request, as Claude would be sent it, begins byte for byte as the one before up to that one's last
    breakpoint. Where the caller went on, the requests of half the turn were left: that of the whole turn is held
    against the one before them."""
    before: list[ReplyRequest] = []
    for request in asked:
        while before and is_left(before[-1].history, request.history):
            before.pop()
        if before:
            one, other = sent(before[-1]), sent(request)
            assert wire_head(one) == wire_head(other)
            assert stable_bytes(other).startswith(stable_bytes(one)), (before[-1].history, request.history)
        before.append(request)


def is_left(one: tuple[HistoryItem, ...], other: tuple[HistoryItem, ...]) -> bool:
    """The caller's turn that `one` is about was not over: `other` has another in its place, or begins to answer it
    anew. (The next round of tools answers the same turn, and goes on from the items of the one before.)"""
    mine = one[:-1] if one and isinstance(one[-1], AgentSaid) else one
    if other[: len(mine)] == mine:
        return False
    turns, others = callers(one), callers(other)
    anew = isinstance(other[-1], CallerSaid | Misheard) or turns[-1:] != others[-1:]
    return len(others) <= len(turns) and anew


def callers(history: tuple[HistoryItem, ...]) -> list[CallerSaid]:
    return [item for item in history if isinstance(item, CallerSaid)]


def sent(request: ReplyRequest) -> dict[str, Any]:
    return body_of(request, ModelTraits("m"), Limits())
