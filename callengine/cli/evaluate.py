"""`callengine evaluate`: which recogniser understands a shop's own recordings, how soon, and at what price."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import trio
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from callengine.cli.load import machine
from callengine.config import Settings, load_settings
from callengine.errors import ConfigError
from callengine.logs import configure_logging
from callengine.plugins import load_backend

if TYPE_CHECKING:
    from callengine.evaluation.figures import Figures
    from callengine.evaluation.run import Plan, Progress

EXTRA = ("jiwer", "matplotlib")
OUTPUT = "Output"
# The options. A command is its signature, the page that --help shows, and what it does.
Folder = Annotated[
    Path, typer.Argument(help="A folder of NAME.wav with what is said in NAME.txt, or one CSV of file,text.")
]
Backend = Annotated[
    list[str] | None, typer.Option(help="A recogniser, as in STT_BACKEND; several times to compare them.")
]
Language = Annotated[str, typer.Option(help="BCP-47, for instance ru-RU; else CALL_LANGUAGE.")]
Streams = Annotated[int, typer.Option(min=1, help="Recordings at once, each in real time.")]
First = Annotated[int | None, typer.Option(min=1, help="Only the first so many recordings.")]
Price = Annotated[
    list[str] | None, typer.Option(metavar="NAME=USD", help="Dollars a minute, for instance whisper=0.002.")
]
Plot = Annotated[Path | None, typer.Option(help="A PNG of the time to the final.", rich_help_panel=OUTPUT)]
AsJson = Annotated[bool, typer.Option("--json", help="Figures and every recording as JSON.", rich_help_panel=OUTPUT)]
AsCsv = Annotated[bool, typer.Option("--csv", help="A line a recording as CSV.", rich_help_panel=OUTPUT)]


def evaluate(
    folder: Folder,
    backend: Backend = None,
    language: Language = "",
    streams: Streams = 1,
    first: First = None,
    price: Price = None,
    plot: Plot = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Compare recognisers on your own recordings, over the path that a call uses and in real time.

    Each recording is a stream: in chunks of STT_CHUNK_MS, with silence behind it until its final has come. Any rate is
    resampled to a telephone's 8 kHz; WAVs must be mono, 16 bit. Word errors are counted after both texts were brought
    to one spelling: lower case, no punctuation, numbers as words, so that "2", "two" and "Two" are alike (docs/howto/
    evaluate.md has every rule). The time to a final runs from the end of speech (Silero) and holds what a caller waits.

    Settings are those of `callengine serve`: GOOGLE_APPLICATION_CREDENTIALS, WHISPER_URL, STT_ENDPOINTING, …; without
    WHISPER_URL a whisper-server of its own is started on this machine's processor.

    \b
    callengine evaluate recordings --language ru-RU
    callengine evaluate recordings --backend google --backend whisper --streams 4 --plot finals.png

    0 where every recording was heard, 1 where a stream failed, 2 for what cannot be used.
    """
    form = _form(as_json=as_json, as_csv=as_csv)
    settings = _settings(language)
    backends = _installed(backend or [settings.stt_backend])
    prices = _prices(price or [])
    configure_logging(settings)
    plan = _plan(folder, first, backends, prices, streams)
    _check_writable(plot)
    found = _compare(plan, settings)
    _save(found, plot)
    _show(found, form, {"folder": str(folder), "language": settings.call_language, "streams": streams})
    if any(each.failed for each in found):
        raise typer.Exit(1)


def _plan(folder: Path, first: int | None, backends: Sequence[str], prices: dict[str, float], streams: int) -> "Plan":
    _check_extra()
    from callengine.evaluation import run, samples  # needs the extra

    return run.Plan(samples.load_samples(folder, first), backends, prices, streams)


def _compare(plan: "Plan", settings: Settings) -> "Sequence[Figures]":
    from callengine.evaluation import run  # needs the extra

    with _bar(len(plan.samples) * len(plan.backends)) as progress:
        return trio.run(run.evaluate, plan, settings, progress)


def _show(found: Sequence["Figures"], form: str, asked: dict[str, object]) -> None:
    """Figures to stdout in the form asked for, what went wrong to stderr."""
    from callengine.evaluation import report  # needs the extra

    if form == "json":
        document = {"command": "evaluate", **asked, "machine": machine(), "backends": [one.as_dict() for one in found]}
        typer.echo(json.dumps(document, ensure_ascii=False))
    elif form == "csv":
        typer.echo(report.csv_of(found), nl=False)
    else:
        console = Console()
        console.print("{folder}, {language}, {streams} at once".format_map(asked))
        console.print(report.table_of(found))
        console.print(machine(), style="dim")
    for line in (line for each in found for line in report.problems_of(each)):
        typer.echo(f"callengine evaluate: {line}", err=True)


def _form(*, as_json: bool, as_csv: bool) -> str:
    if as_json and as_csv:
        raise ConfigError("--json", "and --csv go to the same place; give one of them")
    return "json" if as_json else "csv" if as_csv else "table"


def _settings(language: str) -> Settings:
    environ = {**os.environ, "LOG_LEVEL": os.environ.get("LOG_LEVEL") or "warning"}
    if not language:
        return load_settings(environ)
    try:
        return load_settings({**environ, "CALL_LANGUAGE": language})
    except ConfigError as error:
        named = "--language" if error.variable == "CALL_LANGUAGE" else error.variable
        raise ConfigError(named, error.problem) from None


def _installed(backends: Sequence[str]) -> list[str]:
    """Each once. Raises ConfigError for one that is not there."""
    once = list(dict.fromkeys(backends))
    for name in once:
        load_backend("callengine.stt", name)
    return once


def _prices(given: Sequence[str]) -> dict[str, float]:
    prices = {}
    for text in given:
        name, _, amount = text.partition("=")
        try:
            prices[name] = float(amount)
        except ValueError:
            raise ConfigError("--price", f"must be NAME=USD, for instance whisper=0.002, not {text!r}") from None
    return prices


def _check_extra() -> None:
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        problem = f"needs {', '.join(missing)}; pip install 'callengine[evaluate]'"
        raise ConfigError("evaluate", problem)


def _check_writable(plot: Path | None) -> None:
    """Before minutes are spent."""
    if plot is None:
        return
    if plot.suffix.lower() != ".png":
        raise ConfigError("--plot", f"writes a PNG; call it {plot.with_suffix('.png').name}")
    if not plot.parent.is_dir():
        raise ConfigError("--plot", f"there is no folder {plot.parent}")


def _save(found: "Sequence[Figures]", plot: Path | None) -> None:
    if plot is None:
        return
    from callengine.evaluation.plot import save_plot

    try:
        save_plot(found, plot)
    except OSError as error:
        raise ConfigError("--plot", f"cannot write {plot}: {error.strerror}") from None
    typer.echo(f"time to final: {plot}", err=True)


@contextmanager
def _bar(total: int) -> "Iterator[Progress]":
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("listening", total=total)
        yield lambda name: bar.update(task, advance=1, description=name)
