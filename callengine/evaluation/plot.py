"""Time to final as a picture: for each recogniser the share of utterances that had their final by then."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from callengine.evaluation.figures import Figures

_INCHES = (8.0, 4.5)
_DOTS_PER_INCH = 120


def save_plot(found: Sequence[Figures], path: Path) -> None:
    """Write a PNG. Raises OSError."""
    figure = Figure(figsize=_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for figures in found:
        waits = sorted(row.final_seconds for row in figures.rows if row.final_seconds is not None)
        shares = [100 * (at + 1) / len(waits) for at in range(len(waits))]
        rate = "–" if figures.errors.rate is None else f"{100 * figures.errors.rate:.1f} %"
        axes.step([0.0, *waits], [0.0, *shares], where="post", label=f"{figures.backend} (word error rate {rate})")
    axes.set_xlabel("seconds from the end of speech to the final")
    axes.set_ylabel("utterances that have their final, %")
    axes.set_ylim(0, 101)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, format="png", dpi=_DOTS_PER_INCH)
