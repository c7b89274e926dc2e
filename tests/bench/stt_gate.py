"""STT_GATE: what it saves, and what it costs in words and time.

`python -m tests.bench.stt_gate [--languages ru en] [--apart]`. A caller says recorded sentences with 3.5 to 9 s between
them, as somebody does who listens to answers, to the engine's own ear in real time. whisper-server stands in for
Google, whose limits say that it bills silence. The same audio with the gate off, on, and off but 13 ms later (what that
differs by, the model itself does), on a line without noise and on one with a telephone's. Positions are asserted.
"""

import argparse
import logging
import os
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import trio
from rich.console import Console
from rich.table import Table

from callengine.evaluation.scoring import compare
from callengine.evaluation.words import normalised
from callengine.media.clock import MediaClock
from callengine.ports.recognition import Recognizer
from tests.aloud.lines import UNHEARD, line
from tests.aloud.overheard import Overheard
from tests.aloud.recital import Recital, open_clock, recite
from tests.recognizers import open_google
from tests.servers import whisper_server

SENTENCES = 18
PAUSE_SECONDS = (3.5, 9.0)
NOISES = {"quiet": UNHEARD, "noise, -55 dBFS": 100}
LEADS_SECONDS = (1.0, 1.0, 1.013)
RUNS = ("off", "on", "off, 13 ms later")
console = Console(width=110)


async def measure(language: str, noise: str, at_once: int, table: Table) -> None:
    """A row for each run."""
    async with _ears() as (google, clock):
        recitals = [
            _recital(google, language, noise, lead, name == "on")
            for name, lead in zip(RUNS, LEADS_SECONDS, strict=True)
        ]
        await recite(recitals, clock, at_once)
    for name, recital in zip(RUNS, recitals, strict=True):
        table.add_row(language, noise, name, *_figures(recital, recitals[0]))


def _recital(google: Recognizer, language: str, noise: str, lead: float, gate: bool) -> Recital:
    said = line(language, SENTENCES, PAUSE_SECONDS, lead, NOISES[noise])
    return Recital(said, (Overheard(google, said.audio),), gate)


def _figures(recital: Recital, calm: Recital) -> list[str]:
    said, first, words = (
        normalised(text, recital.line.language) for text in (recital.line.text, calm.text, recital.text)
    )
    [stream] = recital.recognizers[0].streams
    waits = recital.waits
    return [
        f"{len(recital.line.audio) / 16000:.0f}",
        f"{stream.seconds:.0f}",
        str(stream.messages),
        f"{100 * (compare(said, words).rate or 0):.1f}",
        f"{100 * (compare(first, words).rate or 0):.1f}",
        f"{statistics.median(waits):.2f}",
        f"{max(waits):.2f}",
    ]


@asynccontextmanager
async def _ears() -> AsyncIterator[tuple[Recognizer, MediaClock]]:
    with whisper_server() as address:
        async with open_google(address) as google, open_clock() as clock:
            yield google, clock


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stt_gate", description=__doc__)
    parser.add_argument("--languages", nargs="+", default=["ru", "en"], choices=["ru", "en"])
    parser.add_argument("--noises", nargs="+", default=list(NOISES), choices=NOISES)
    parser.add_argument("--apart", action="store_true", help="one run after another, for a machine that is not quiet")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    console.print(f"Machine: {cores} cores, load average before: {load:.2f}; base int8")
    table = Table(title="STT_GATE; words in %")
    names = ("language", "line", "gate", "call s", "streamed s", "messages", "WER", "differ", "final p50 s", "max s")
    for name in names:
        table.add_column(name, justify="left" if name in ("language", "line", "gate") else "right")
    for language in chosen.languages:
        for noise in chosen.noises:
            trio.run(measure, language, noise, 1 if chosen.apart else len(RUNS), table)
    console.print(table)


if __name__ == "__main__":
    main()
