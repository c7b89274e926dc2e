"""The bench's tables: what was measured, its spread, and against each reach PASS or FAIL."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from tests.bench.dialog.disturbances import Disturbance
from tests.bench.dialog.interruptions import Interruption
from tests.bench.dialog.prefix import Prefixes

BARGE_IN_MS, OWN_MS, OVER_CHAIN_MS = 280.0, 40.0, 60.0
RESUMED = 0.95
WORDS_OFF = 1


@dataclass(frozen=True, slots=True)
class Reach:
    """One line of the issue: what was found, and whether that is enough."""

    what: str
    found: str
    reach: str
    ok: bool


def quantile95(values: Sequence[float]) -> float:
    """The 95th percentile; infinite where nothing was measured, or too much never came."""
    ordered = sorted(values)
    return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else math.inf


def wait_table(title: str, rows: Sequence[tuple[str, Sequence[float]]]) -> Table:
    """Milliseconds of seconds."""
    table = _table(title, "what", "turns", "p50 ms", "p95 ms", "max ms")
    for what, seconds in rows:
        table.add_row(what, str(len(seconds)), *_spread(seconds))
    return table


def interruption_table(rows: Sequence[tuple[str, Sequence[Interruption]]]) -> Table:
    """A row for each voice."""
    title = "Speech over the agent: its first frame → first silent frame; the record's words less those that went out"
    names = (
        "voice",
        "times",
        "p50 ms",
        "p95 ms",
        "max ms",
        "recorded",
        "exactly",
        "off: p95",
        "most",
        "past",
        "unknown",
    )
    table = _table(title, *names)
    for voice, found in rows:
        off = [words_off(one) for one in found]
        table.add_row(
            voice,
            str(len(found)),
            *_spread([one.seconds for one in found]),
            str(sum(one.recorded is not None for one in found)),
            str(sum(one.recorded == one.heard for one in found)),
            f"{quantile95(off):g}",
            f"{max(off, default=0):g}",
            str(sum(past_the_piece(one) for one in found)),
            str(sum(one.unknown for one in found)),
        )
    return table


def disturbance_table(found: Sequence[Disturbance]) -> Table:
    """A row for each kind of noise."""
    names = ("noise", "times", "recordings", "never paused", "resumed", "p95 silent ms", "most ms")
    table = _table("Noises over the agent", *names)
    for kind in dict.fromkeys(one.kind for one in found):
        ours = [one for one in found if one.kind == kind]
        paused = [one.silent for one in ours if one.silent and one.resumed]
        table.add_row(
            kind,
            str(len(ours)),
            str(len({one.name for one in ours})),
            str(sum(one.resumed and not one.silent for one in ours)),
            str(len(paused)),
            *([f"{1000 * value:.0f}" for value in (quantile95(paused), max(paused))] if paused else ("", "")),
        )
    return table


def reaches_table(reaches: Sequence[Reach]) -> Table:
    """What it all comes to."""
    table = _table("Reaches", "what", "found", "reach", "")
    for one in reaches:
        table.add_row(one.what, one.found, one.reach, "PASS" if one.ok else "FAIL")
    return table


def words_off(one: Interruption) -> float:
    """Without a record they are all lost."""
    return math.inf if one.recorded is None else abs(one.words_off)


def past_the_piece(one: Interruption) -> bool:
    """The record has words of a piece of which nothing went out."""
    return one.recorded is not None and not one.begun.startswith(one.recorded)


def told(one: Interruption) -> str:
    """One interruption in a line."""
    recorded = "no record of it" if one.recorded is None else f"record «{one.recorded[-40:]}»"
    return f"{1000 * one.seconds:.0f} ms, {recorded}, went out «{one.heard[-40:]}», {one.unknown} frames unknown"


def barge_in(found: Sequence[Interruption]) -> Reach:
    p95 = 1000 * quantile95([one.seconds for one in found])
    what = f"barge-in over {len(found)} interruptions, p95"
    return Reach(what, f"{p95:.0f} ms", f"≤ {BARGE_IN_MS:.0f} ms", p95 <= BARGE_IN_MS)


def exact(found: Sequence[Interruption]) -> Reach:
    """History against espeak's word events."""
    right = sum(one.recorded == one.heard for one in found)
    return Reach("history is what went out, espeak", f"{right} of {len(found)}", "all", right == len(found) > 0)


def nearly(found: Sequence[Interruption]) -> list[Reach]:
    """History of a voice that tells no words."""
    off, past = quantile95([words_off(one) for one in found]), sum(past_the_piece(one) for one in found)
    return [
        Reach("history less what went out, Google, p95", f"{off:g} words", f"≤ {WORDS_OFF} word", off <= WORDS_OFF),
        Reach("history past the piece that was heard, Google", str(past), "never", not past),
    ]


def resumed(found: Sequence[Disturbance], made: int) -> list[Reach]:
    """Of all noises that were to be made; what came to nothing counts as not resumed."""
    share = sum(one.resumed for one in found) / max(made, 1)
    return [
        Reach(f"resumed after {made} noises", f"{share:.1%}", f"≥ {RESUMED:.0%}", share >= RESUMED),
        none_of("noises that were not made", made - len(found)),
        none_of("noises behind the agent's last word", sum(one.late for one in found)),
    ]


def prefixes(found: Prefixes) -> list[Reach]:
    """What can be cached."""
    share, anew = f"{found.stable} of {found.followed}", f", {found.said_anew} said anew" if found.said_anew else ""
    every = found.stable == found.followed > 0
    return [
        Reach(f"requests that begin as the one before{anew}", share, "all", every),
        none_of("requests of no known call", found.strange),
    ]


def none_of(what: str, count: int) -> Reach:
    """What would make a figure worth nothing."""
    return Reach(what, str(count), "none", not count)


def within(what: str, seconds: Sequence[float], limit_ms: float) -> Reach:
    p95 = 1000 * quantile95(seconds)
    return Reach(f"{what}, p95", f"{p95:.0f} ms", f"≤ {limit_ms:.0f} ms", p95 <= limit_ms)


def _spread(seconds: Sequence[float]) -> list[str]:
    if not seconds:
        return ["", "", ""]
    return [f"{1000 * value:.1f}" for value in (statistics.median(seconds), quantile95(seconds), max(seconds))]


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table
