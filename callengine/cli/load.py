"""`callengine load`: many calls at once, and how evenly the engine serves them, measured where a caller listens."""

import json
import multiprocessing
import os
import platform
import resource
import shlex
import signal
import socket
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from callengine.caller.address import parse_address
from callengine.caller.crowd import Crowd, Plan
from callengine.caller.figures import Figures, Spread, summarise
from callengine.caller.speech import load_speech
from callengine.caller.wire import LINE_SILENCE
from callengine.errors import ConfigError, EngineError

_SPARE_FILES = 64
_LATE_MS = 10.0  # our own sends at p99.9: beyond it we measured this machine, not the engine


def load(
    address: Annotated[str, typer.Argument(metavar="HOST:PORT", help="The engine's AudioSocket.")],
    calls: Annotated[int, typer.Option(min=1, help="Calls at once.")] = 30,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long all of them are held.")] = 30.0,
    ramp: Annotated[float, typer.Option(min=0, help="Seconds over which the calls are placed.")] = 0.0,
    speak: Annotated[Path | None, typer.Option(help="A WAV each caller says over and over; else silence.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON, also in a terminal.")] = False,
) -> None:
    """Measure an engine under many calls: 0 where each was held to the end, 1 where one was not, 2 bad arguments."""
    try:
        target = _resolve(*parse_address(address))
        speech = load_speech(speak, "--speak") if speak else LINE_SILENCE
        _allow_files(calls + _SPARE_FILES)
    except ConfigError as error:
        typer.echo(f"callengine load: {error}", err=True)
        raise typer.Exit(2) from None
    figures = _measure_apart(Plan(target, calls, seconds, ramp, speech))
    if as_json or not sys.stdout.isatty():
        typer.echo(json.dumps(figures.as_dict() | {"machine": machine(), "command": shlex.join(sys.argv)}))
    else:
        Console().print(_table(figures))
    if figures.held < figures.calls:
        raise typer.Exit(1)


def _measure_apart(plan: Plan) -> Figures:
    """Measure in a process of its own: drawing a progress bar takes milliseconds that would be the instrument's."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    child = spawn.Process(target=_measure, args=(plan, theirs))
    # Ctrl-C ends the measurement early in the child; its figures still come.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child.start()
        theirs.close()
        return _follow(ours, plan)
    finally:
        signal.signal(signal.SIGINT, before)
        child.join()


def _measure(plan: Plan, pipe: "Connection[Any, Any]") -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    pipe.send(summarise(Crowd(plan).measure(pipe.send)))


def _follow(pipe: "Connection[Any, Any]", plan: Plan) -> Figures:
    """Draw the progress that the child reports (calls up) until it sends the figures."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    started = time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("calling", total=plan.ramp_seconds + plan.seconds)
        try:
            while not isinstance(report := pipe.recv(), Figures):
                progress.update(bar, description=f"{report} calls up", completed=time.monotonic() - started)
        except EOFError:
            raise EngineError("the measuring process ended without figures; its own words are above") from None
    return report


def _resolve(host: str, port: int) -> tuple[int, tuple[object, ...]]:
    try:
        family, _kind, _protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise ConfigError("HOST:PORT", f"{host}: {error.strerror or error}") from None
    return family, address


def _allow_files(needed: int) -> None:
    """A socket a call: raise the soft limit of open files as far as it may go."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise ConfigError("--calls", f"{needed} open files are needed, and the limit is {hard} (ulimit -Hn)")
    if soft != resource.RLIM_INFINITY and needed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def machine() -> str:
    """The processor, the cores this process may use, and the Python that measured."""
    model = ""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:  # not Linux: the platform's own word for it serves
        model = platform.processor()
    cores = len(os.sched_getaffinity(0))
    return (
        f"{model or platform.machine()}, {cores} cores, Linux {platform.release()}, Python {platform.python_version()}"
    )


def _table(figures: Figures) -> Table:
    table = Table("", "p50", "p95", "p99", "p99.9", "max", title=_title(figures), title_justify="left")
    rows = {
        "deviation from 20 ms, ms": figures.deviation_ms,
        "connection to first audible frame, ms": figures.first_audio_ms,
        "our own sends late by, ms": figures.generator_lateness_ms,
    }
    for name, times in rows.items():
        table.add_row(name, *(f"{value:.2f}" for value in _values(times)))
    late = figures.generator_lateness_ms.p999 > _LATE_MS
    warning = "\nThis process was late itself: the machine is too busy for these figures." if late else ""
    clock = "the kernel" if figures.kernel_stamps else "this process"
    table.caption = (
        f"{figures.frames} frames in {figures.wall_seconds:.1f} s, stamped by {clock}; "
        f"measuring took {figures.generator_cores:.2f} of a core\n{machine()}{warning}"
    )
    return table


def _title(figures: Figures) -> str:
    ended = "".join(f", {count} {how.replace('_', ' ')}" for how, count in sorted(figures.ended.items()))
    return (
        f"{figures.calls} calls: {figures.held} held to the end, {figures.refused} refused{ended}; "
        f"{figures.gaps} gaps over 40 ms, {figures.calls_with_audio} calls heard the agent"
    )


def _values(times: Spread) -> tuple[float, ...]:
    return times.p50, times.p95, times.p99, times.p999, times.max
