"""STT_GATE: what it saves, and what it costs in words.

`python -m tests.bench.stt_gate [--languages ru en] [--pace 0.5]`. A caller says recorded sentences with 3.5 to 9 s
between them, as somebody does who listens to answers, to the engine's own ear in real time. whisper-server stands in
for Google, whose limits say that it bills silence. The same audio with the gate off, on, and off but 13 ms later (what
that differs by, the model itself does), on a line without noise and on one with a telephone's. With the gate off a
stream has all audio, whenever it comes, so those runs are as fast as they are taken. Positions are asserted.
"""

import argparse
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import trio
import trio.testing
from rich.console import Console
from rich.table import Table

from callengine.evaluation.scoring import compare
from callengine.evaluation.words import normalised
from callengine.media.clock import MediaClock
from callengine.ports.recognition import Recognizer
from tests.aloud.lines import UNHEARD, line
from tests.aloud.overheard import Overheard
from tests.aloud.recital import Recital, open_clock
from tests.aloud.straight import heard_straight
from tests.recognizers import open_google
from tests.servers import whisper_server

SENTENCES = 18
PAUSE_SECONDS = (3.5, 9.0)
NOISES = {"quiet": UNHEARD, "noise, -55 dBFS": 100}
LEADS_SECONDS = (1.0, 1.013)
console = Console(width=110)


async def measure(language: str, noise: str, table: Table) -> None:
    """A row for each run."""
    said, later = (line(language, SENTENCES, PAUSE_SECONDS, lead, NOISES[noise]) for lead in LEADS_SECONDS)
    async with _ears() as (google, clock):
        calm, shifted = await heard_straight(google, said), await heard_straight(google, later)
        recital = Recital(said, (Overheard(google, said.audio),), gate=True)
        await recital.run(clock)
    recital.check()
    [stream] = recital.recognizers[0].streams
    seconds = len(said.audio) / 16000
    rows = (("off", calm, seconds), ("on", recital.text, stream.seconds), ("off, 13 ms later", shifted, seconds))
    for name, text, streamed in rows:
        said_words, first, words = (normalised(each, said.tag) for each in (said.text, calm, text))
        rates = (100 * (compare(one, words).rate or 0) for one in (said_words, first))
        table.add_row(language, noise, name, f"{streamed:.0f}", *(f"{rate:.1f}" for rate in rates))


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
    parser.add_argument("--pace", type=float, default=1.0, help="of the call's time, for a busy machine [1]")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    console.print(f"Machine: {cores} cores, load average before: {load:.2f}; base int8, pace {chosen.pace:g}")
    table = Table(title="STT_GATE: streamed seconds, and words in %")
    for name in ("language", "line", "gate", "streamed s", "WER", "differ"):
        table.add_column(name, justify="left" if name in ("language", "line", "gate") else "right")
    for language in chosen.languages:
        for noise in chosen.noises:
            trio.run(measure, language, noise, table, clock=trio.testing.MockClock(rate=chosen.pace))
    console.print(table)


if __name__ == "__main__":
    main()
