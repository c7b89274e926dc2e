"""Which part of a long call's history is still sent. Pure.

The oldest half goes at once, when the history has outgrown its budget: what is sent then grows again from the same
place for many turns, and the prompt cache is lost once in many turns instead of in each."""

from collections.abc import Sequence
from itertools import accumulate

from callengine.ports.reasoning import AgentSaid, CallerSaid, HistoryItem, Misheard
from callengine.ports.tools import ToolCall

# Bytes of UTF-8 in a token, on the safe side: English has about 3.5, Russian 4.4, JSON 3.
_BYTES_OF_A_TOKEN = 3.0
_FRAME_TOKENS = 8  # roles and brackets around an item
_NOTE_TOKENS = 50  # a note's own words


def tokens_of(text: str) -> float:
    """About how many tokens a text has; rather too many than too few."""
    return len(text.encode("utf-8", "replace")) / _BYTES_OF_A_TOKEN


def first_kept(history: Sequence[HistoryItem], budget_tokens: int) -> int:
    """The index of the oldest item to be sent; 0 or that of a caller's turn that begins an exchange.

    A function of what came before each turn, so that a longer history has the same cut until the next step."""
    sizes = [_size_of(item) for item in history]
    before = [0.0, *accumulate(sizes)]
    starts = [at for at, item in enumerate(history) if _begins_exchange(history, at, item)]
    kept = 0
    for at in range(len(history)):
        if before[at + 1] - before[kept] > budget_tokens:
            later = [start for start in starts if kept < start <= at]
            fitting = (start for start in later if before[at + 1] - before[start] <= budget_tokens / 2)
            kept = next(fitting, later[-1] if later else kept)
    return kept


def _begins_exchange(history: Sequence[HistoryItem], at: int, item: HistoryItem) -> bool:
    return isinstance(item, CallerSaid) and not (at and isinstance(history[at - 1], CallerSaid))


def _size_of(item: HistoryItem) -> float:
    match item:
        case CallerSaid(text=text) | AgentSaid(text=text):
            return _FRAME_TOKENS + tokens_of(text)
        case Misheard(told=told, said=said):
            return _NOTE_TOKENS + tokens_of(told + said)
        case ToolCall():
            return _FRAME_TOKENS + tokens_of(f"{item.id}{item.name}{dict(item.arguments)}")
        case _:
            return _FRAME_TOKENS + tokens_of(item.id + item.content)
