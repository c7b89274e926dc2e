"""What an evaluation says: a table for the terminal, a CSV row for each sample. Pure."""

import csv
import io
from collections.abc import Sequence

from rich.table import Table

from callengine.evaluation.figures import Figures

_SHOWN_FAILURES = 3


def table_of(found: Sequence[Figures]) -> Table:
    """A column for each recogniser."""
    table = Table("", *(figures.backend for figures in found))
    table.add_row("word error rate", *(_share(figures.errors.rate) for figures in found))
    table.add_row("words taken for others", *(str(figures.errors.substituted) for figures in found))
    table.add_row("words missed", *(str(figures.errors.deleted) for figures in found))
    table.add_row("words invented", *(str(figures.errors.inserted) for figures in found))
    for mark in ("p50", "p90", "p95", "max"):
        table.add_row(f"end of speech → final, {mark}", *(_seconds(figures.final_seconds[mark]) for figures in found))
    table.add_row("speech without a final of its own", *(str(figures.unanswered) for figures in found))
    table.add_row("interims a second", *(f"{figures.interims_per_second:.2f}" for figures in found))
    table.add_row("minutes billed", *(f"{figures.minutes:.2f}" for figures in found))
    table.add_row("cost, USD", *(_money(figures.cost_usd) for figures in found))
    table.add_row("streams that failed", *(str(figures.failed) for figures in found))
    return table


def problems_of(figures: Figures) -> list[str]:
    """A line for each of the first streams that failed."""
    failed = [row for row in figures.rows if row.problem]
    lines = [f"{figures.backend}: {row.sample}: {row.problem}" for row in failed[:_SHOWN_FAILURES]]
    rest = len(failed) - len(lines)
    return [*lines, f"{figures.backend}: and {rest} more"] if rest else lines


def csv_of(found: Sequence[Figures]) -> str:
    """A line for each sample and recogniser, under a line of names."""
    rows = [{"backend": figures.backend, **row.as_dict()} for figures in found for row in figures.rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _share(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.1f} %"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"


def _money(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
