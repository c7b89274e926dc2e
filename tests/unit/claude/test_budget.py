"""Long calls: what is sent stays within its budget, and begins at the same place for many turns."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from backends.dialog.claude_budget import first_kept, tokens_of
from callengine.ports.reasoning import AgentSaid, CallerSaid, HistoryItem, Misheard
from callengine.ports.tools import ToolCall, ToolResult


def conversation(turns: int, words: str = "x" * 60) -> list[HistoryItem]:
    return [item for at in range(turns) for item in (CallerSaid(f"{at} {words}"), AgentSaid(words))]


def test_a_short_call_is_sent_whole() -> None:
    assert first_kept(conversation(5), 1000) == 0
    assert first_kept([], 1000) == 0


def test_a_long_call_loses_its_oldest_half_at_once() -> None:
    cuts = [first_kept(conversation(turns), 1000) for turns in range(1, 101)]
    assert cuts == sorted(cuts)
    steps = [(one, other) for one, other in pairwise(cuts) if one != other]
    assert 5 <= len(steps) <= 12  # of 100 turns: the cache is lost in these alone
    assert all(other - one >= 8 for one, other in steps)


def test_the_cut_is_where_a_caller_begins() -> None:
    tools: list[HistoryItem] = [ToolCall("1", "find", {}), ToolResult("1", "y" * 300)]
    history = [part for at in range(40) for part in (CallerSaid("a"), CallerSaid("b"), *tools, AgentSaid(f"{at}"))]
    kept = first_kept(history, 1000)
    assert kept > 0 and kept % 5 == 0


def test_one_enormous_exchange_is_sent_all_the_same() -> None:
    history: list[HistoryItem] = [CallerSaid("?"), ToolCall("1", "find", {}), ToolResult("1", "y" * 100_000)]
    assert first_kept(history, 1000) == 0
    assert first_kept([*conversation(3), *history], 1000) == 6


def test_what_was_misheard_counts_for_what_is_told_of_it() -> None:
    plain = [item for at in range(20) for item in (CallerSaid(f"{at}"), AgentSaid("?"))]
    mended = [item for at in range(20) for item in (CallerSaid(f"{at}"), AgentSaid("?"), Misheard(f"{at}", "x" * 60))]
    assert first_kept(plain, 1000) == 0
    assert first_kept(mended, 1000) % 3 == 0 < first_kept(mended, 1000)


def test_russian_is_dearer_than_english() -> None:
    assert tokens_of("шины") > tokens_of("tyre")


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), max_size=60), st.integers(1000, 3000))
def test_what_is_sent_fits_and_the_cut_only_moves_on(sizes: list[tuple[int, int]], budget: int) -> None:
    history: list[HistoryItem] = []
    last = 0
    for caller, agent in sizes:
        history += [CallerSaid("x" * caller), AgentSaid("x" * agent)]
        kept = first_kept(history, budget)
        assert kept >= last
        last = kept
        spoken = [item.text for item in history[kept:] if isinstance(item, CallerSaid | AgentSaid)]
        assert sum(tokens_of(text) for text in spoken) <= budget
