"""The demo in a terminal: the engine's parts as they start, then both sides of the call, then what it took."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from callengine.demo.events import (
    AgentHeard,
    CallerSays,
    Connected,
    Done,
    Ended,
    Event,
    Serving,
    Show,
    Starting,
    TurnInRecord,
)  # fmt: skip
from callengine.demo.lines import timings, verdict
from callengine.demo.report import STAGES, Report
from callengine.shown_use import use_rows

PARTS = 5  # the engine itself, PostgreSQL, Valkey, the Store, whisper-server
SIDE = 0.66  # of the terminal's width


class Screen:
    """What stands under the transcript: the progress of the start, then who is speaking."""

    def __init__(self, console: Console, live: Live) -> None:
        self._console = console
        self._live = live
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console)
        self._bar = self._progress.add_task("starting", total=PARTS)
        self._parts: list[str] = []
        live.update(self._progress)

    def show(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Starting(part=part, detail=detail):
                self._starting(part, detail)
            case Serving(audiosocket=audiosocket, api=api, data_dir=data_dir):
                self._print(Text(f"The engine is up: AudioSocket {audiosocket}, HTTP {api}, data in {data_dir}"))
            case Connected():
                voices = f"Left: the caller, {event.caller_voice}. Right: the agent, {event.agent_voice}."
                self._print(Text(f"Call {event.call_id}\n{voices}", style="dim"))
                self._status("the agent greets")
            case CallerSays(words=words):
                self._status(f"the caller says{' over the agent' if event.over_agent else ''}: {words}")
            case AgentHeard():
                self._status("the agent speaks")
            case TurnInRecord():
                self._turn(event)
            case Ended(by=by):
                self._status(f"hung up by {by}; waiting for the record")
            case Done(report=report):
                self._live.update(Text(""))
                self._print(summary(report))
                # soft_wrap: the terminal's own wrapping can be copied as one line
                self._live.console.print(where(event), soft_wrap=True)

    def _starting(self, part: str, detail: str) -> None:
        if part not in self._parts and not detail:
            self._parts.append(part)
        description = f"{part}: {detail}" if detail else f"starting {part}"
        self._progress.update(self._bar, description=description[:70], completed=max(0, len(self._parts) - 1))

    def _turn(self, event: TurnInRecord) -> None:
        turn = event.turn
        if turn.role == "caller":
            body = Text.assemble((event.words, "bold"), "\n", ("recognised: ", "dim"), turn.text)
            self._side(body, f"caller {turn.started:.1f} s", "cyan", left=True)
            return
        body = Text(turn.text, style="bold")
        if turn.interrupted:
            body.append(" … interrupted", style="yellow")
        took = timings(dict(turn.timings))
        self._side(body, f"agent {turn.started:.1f} s", "green", left=False, under=took)

    def _side(self, body: Text, title: str, style: str, *, left: bool, under: str = "") -> None:
        width = int(self._console.width * SIDE)
        panel = Panel(body, title=title, title_align="left", subtitle=under, border_style=style, width=width)
        self._print(Align.left(panel) if left else Align.right(panel))

    def _status(self, text: str) -> None:
        self._live.update(Spinner("dots", Text(text, style="italic", no_wrap=True, overflow="ellipsis")))

    def _print(self, what: RenderableType) -> None:
        self._live.console.print(what)


@contextmanager
def open_screen(console: Console) -> Iterator[Show]:
    """A display on a terminal; gives what shows an event."""
    with Live(console=console, transient=True, refresh_per_second=10) as live:
        yield Screen(console, live).show


def summary(report: Report) -> RenderableType:
    """Seconds by turn and stage; `at the wire` is what the caller's end measured."""
    title = "Seconds by turn: end of the caller's speech → first frame of the answer"
    table = Table(title=title, title_justify="left")
    table.add_column("", justify="left", no_wrap=True, overflow="ellipsis", max_width=32)
    for heading in (*STAGES[:-1], "total", "at the wire"):
        table.add_column(heading.replace("_", " "), justify="right")
    stages = (*STAGES, "wire")
    for exchange in report.exchanges:
        seconds = exchange.seconds
        words = f"{exchange.number} {exchange.spoken.utterance.words}"
        table.add_row(words, *(f"{seconds[stage]:.2f}" if stage in seconds else "–" for stage in stages))
    spreads = [report.spread(stage) for stage in stages]
    table.add_section()
    for at, name in enumerate(("min", "median", "max")):
        table.add_row(name, *(f"{spread[at]:.2f}" if spread else "–" for spread in spreads))
    return Group(table, *_use(report), Text(verdict(report), style="red" if report.missing else "green"))


def _use(report: Report) -> list[RenderableType]:
    """What was used and what it costs, where anything is paid for."""
    rows = use_rows(report.used, report.cost)
    if not rows:
        return []
    table = Table(title="Used, and list prices", title_justify="left", show_header=False)
    for justify in ("left", "left", "left", "right"):
        table.add_column(justify=justify)
    for row in rows:
        table.add_row(*row)
    return [table]


def where(done: Done) -> Text:
    """Where the record is, in lines that can be copied whole."""
    place = done.place
    lines = [
        ("The record, in PostgreSQL:", place.sql),
        ("over HTTP:", place.api_url),
        ("both sides in stereo, the caller left:", place.recording),
        ("all of it, to be looked at or deleted:", place.data_dir),
    ]
    text = Text()
    for name, value in lines:
        text.append(f"{name}\n", style="dim")
        text.append(f"  {value}\n")
    return text.append(place.note)
