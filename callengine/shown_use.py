"""What a call has used and what it took, in words for people: rows of a table, lines for a pipe."""

from collections.abc import Iterable, Sequence
from statistics import median

from callengine.api.records import CostView, TurnView, UsedView
from callengine.call.timing import STAGES

SERVICES = {"stt": "recogniser", "llm": "model", "tts": "voice"}
Spread = tuple[float, float, float]


def use_rows(used: Sequence[UsedView], cost: CostView | None) -> list[tuple[str, str, str, str]]:
    """Service, product, how much of it, dollars; the last row is all of them. Nothing where nothing was used."""
    rows = [(SERVICES[one.service], one.product, _amount(one), _dollars(one.usd)) for one in used]
    return [*rows, ("total", "", "", _dollars(cost.total))] if rows and cost is not None else rows


def use_lines(used: Sequence[UsedView], cost: CostView | None) -> list[str]:
    """The same as lines in columns."""
    rows = use_rows(used, cost)
    widths = [max(len(row[at]) for row in rows) for at in range(3)] if rows else []
    return ["  ".join(("", *map(str.ljust, row, widths), row[3])) for row in rows]


def stage_lines(spreads: Iterable[tuple[str, Spread | None]]) -> list[str]:
    """A line a stage, where any turn has it."""
    return [
        f"  {stage:<14} min {spread[0]:.2f}  median {spread[1]:.2f}  max {spread[2]:.2f} s"
        for stage, spread in spreads
        if spread is not None
    ]


def stage_spreads(turns: Iterable[TurnView]) -> list[tuple[str, Spread | None]]:
    """Least, median and most seconds of each stage, None where no turn has it."""
    timings = [turn.timings for turn in turns]
    return [(stage, spread_of([one[stage] for one in timings if stage in one])) for stage in (*STAGES, "response")]


def spread_of(seconds: Sequence[float]) -> Spread | None:
    """Least, median and most; None of nothing."""
    return (min(seconds), median(seconds), max(seconds)) if seconds else None


def _amount(used: UsedView) -> str:
    if used.service == "stt":
        return f"{used.seconds:.0f} s of audio"
    if used.service == "tts":
        return f"{used.characters} characters"
    tokens = (used.input_tokens, used.cache_read_tokens, used.cache_write_tokens, used.output_tokens)
    return "tokens: {} read, {} from the cache, {} into it, {} written".format(*tokens)


def _dollars(usd: float | None) -> str:
    return "no price" if usd is None else f"${usd:.4f}"
