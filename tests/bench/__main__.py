"""`python -m tests.bench [media] [response] [memory] [demo]`: every number of issue and design, as tables."""

import argparse
import statistics
import sys
from collections.abc import Callable

import trio
from rich.console import Console
from rich.table import Table

from tests.bench import demo, media, memory, response
from tests.bench.machine import told_machine

LATE_GENERATOR_MS = 10.0
console = Console(width=None if sys.stdout.isatty() else 110)


def _media(runs: int) -> None:
    table = Table(title="Media plane: silence in, speech without pause out; deviation = |spacing - 20 ms|")
    columns = (
        "what",
        "calls",
        "run",
        "held",
        "gaps",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "max ms",
        "cores",
        "generator p99.9",
    )
    for column in columns:
        table.add_column(column, justify="right")
    for row in trio.run(media.measure, runs):
        deviation, own = row["deviation_ms"], row["generator_lateness_ms"]["p999"]
        spread = [f"{deviation[name]:.1f}" for name in ("p50", "p99", "p999", "max")]
        doubt = " *" if own > LATE_GENERATOR_MS else ""
        counts = [str(row[name]) for name in ("what", "calls", "run", "held", "gaps")]
        table.add_row(*counts, *spread, f"{row['cores']:.2f}", f"{own:.1f}{doubt}")
    console.print(table)
    console.print("Reach: 600 calls on one core, no gap, p99.9 at most 5 ms.")
    console.print("The bare loop reads and writes as much and does nothing else: what it is late by, this machine is.")
    console.print("real time: the engine with REALTIME=on, before the machine's other work.")
    console.print("* the generator itself was late: this machine was busy, and the row says nothing of the engine.\n")


def _response(_runs: int) -> None:
    found = trio.run(response.measure)
    table = Table(title=f"At the wire, scripted parts that answer at once, {response.CALLS} calls")
    for column in ("what", "p50 ms", "p95 ms", "max ms", "reach"):
        table.add_column(column, justify="left" if column == "what" else "right")
    reach = {
        "greeting": ("answer → first greeting frame", "≤ 100"),
        "own": ("engine's own part of a response", "p95 ≤ 40"),
        "wire": ("response at the wire beyond the pause", ""),
    }
    for name, (what, limit) in reach.items():
        table.add_row(what, *(f"{value:.1f}" for value in response.percentiles(found[name])), limit)
    console.print(table)


def _memory(_runs: int) -> None:
    found = trio.run(memory.measure)
    console.print(
        f"Memory: {found['idle_mb']:.0f} MB without calls, {found['up_mb']:.0f} MB with {memory.CALLS} silent calls: "
        f"{found['per_call_mb']:.3f} MB a call (reach ≤ 0.5)\n"
    )


def _demo(_runs: int) -> None:
    table = Table(title="The demo's call: end of speech → first speech frame at the wire, Whisper base on this CPU")
    for column in ("language", "turns", "min s", "median s", "max s"):
        table.add_column(column, justify="right")
    for language in ("ru", "en"):
        turns = trio.run(demo.measure, language)["turns"]
        waits = [turn["seconds"]["wire"] for turn in turns if "wire" in turn["seconds"]]
        figures = (min(waits), statistics.median(waits), max(waits))
        table.add_row(language, str(len(waits)), *(f"{value:.2f}" for value in figures))
    console.print(table)


PARTS: dict[str, Callable[[int], None]] = {"media": _media, "response": _response, "memory": _memory, "demo": _demo}


def main() -> None:
    """Measure the parts named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[], help="what to measure")
    parser.add_argument("--runs", type=int, default=3, help="runs for each number of calls [3]")
    arguments = parser.parse_args()
    console.print(told_machine())
    console.print(f"Command: python -m tests.bench {' '.join(sys.argv[1:])}\n")
    for part in arguments.parts or PARTS:
        PARTS[part](arguments.runs)


if __name__ == "__main__":
    main()
