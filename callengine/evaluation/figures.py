"""The figures of one recogniser over all samples. Pure."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from callengine.evaluation.hearing import Heard
from callengine.evaluation.scoring import Errors, compare, total
from callengine.evaluation.words import normalised


@dataclass(frozen=True, slots=True)
class Row:
    """One sample at one recogniser."""

    sample: str
    said: str
    heard: str
    errors: Errors
    final_seconds: float | None
    interims: int
    seconds: float
    problem: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON and CSV; `wer` is null where nothing was said."""
        return {
            "sample": self.sample,
            "wer": self.errors.rate,
            **asdict(self.errors),
            "final_seconds": self.final_seconds,
            "interims": self.interims,
            "seconds": round(self.seconds, 3),
            "problem": self.problem,
            "said": self.said,
            "heard": self.heard,
        }


@dataclass(frozen=True, slots=True)
class Figures:
    """One recogniser: `errors` over what it answered, `final_seconds` percentiles p50, p90, p95, max (None: no final).

    `unanswered`: samples with speech for which no final came by itself; `failed`: samples whose stream broke, which are
    in no other figure."""

    backend: str
    rows: tuple[Row, ...]
    errors: Errors
    final_seconds: dict[str, float | None]
    interims_per_second: float
    minutes: float
    cost_usd: float | None
    unanswered: int
    failed: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the figures, then a row a sample."""
        return {
            "backend": self.backend,
            "samples": len(self.rows),
            "wer": self.errors.rate,
            **asdict(self.errors),
            "final_seconds": self.final_seconds,
            "interims_per_second": round(self.interims_per_second, 2),
            "minutes": round(self.minutes, 3),
            "cost_usd": self.cost_usd,
            "unanswered": self.unanswered,
            "failed": self.failed,
            "rows": [row.as_dict() for row in self.rows],
        }


def row_of(heard: Heard, language: str) -> Row:
    """One sample's row: both texts normalised and compared."""
    said, words = normalised(heard.sample.words, language), normalised(heard.text, language)
    return Row(
        heard.sample.name,
        " ".join(said),
        " ".join(words),
        compare(said, words),
        heard.final_seconds,
        heard.interims,
        heard.seconds,
        heard.problem,
    )


def figures_of(backend: str, rows: Sequence[Row], price: float | None) -> Figures:
    """All rows of one recogniser; `price` in dollars a minute, each stream rounded up to a second."""
    good = [row for row in rows if not row.problem]
    seconds = sum(row.seconds for row in good)
    minutes = sum(math.ceil(row.seconds) for row in good) / 60
    waits = [row.final_seconds for row in good if row.final_seconds is not None]
    return Figures(
        backend,
        tuple(rows),
        total(row.errors for row in good),
        _percentiles(waits),
        sum(row.interims for row in good) / seconds if seconds else 0.0,
        minutes,
        None if price is None else round(minutes * price, 6),
        sum(row.final_seconds is None and row.errors.words > 0 for row in good),
        len(rows) - len(good),
    )


def _percentiles(waits: Sequence[float]) -> dict[str, float | None]:
    marks = {"p50": 50, "p90": 90, "p95": 95, "max": 100}
    return {name: round(float(np.percentile(waits, at)), 3) if waits else None for name, at in marks.items()}
