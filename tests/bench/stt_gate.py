"""STT_GATE: what it saves, and what it costs in words.

`python -m tests.bench.stt_gate [--languages ru en] [--pace 0.5]`. A caller says recorded sentences with 3.5 to 9 s
between them, as somebody does who listens to answers, to the engine's own ear in real time. whisper-server stands in
for Google, whose limits say that it bills silence. The same audio with the gate off, on, and off but 13 ms later (what
that differs by, the model itself does), on a line without noise, with white noise, and with a babble of six voices, so
many decibels under the speech. With the gate off a stream has all audio, whenever it comes, so those runs are as fast
as they are taken; the lines of a language are heard at once with the gate on. Positions are asserted.
"""

import argparse
import logging
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
from callengine.media.silero import SileroModel
from callengine.ports.recognition import Recognizer
from tests.aloud.lines import line
from tests.aloud.noises import Noise
from tests.aloud.overheard import Overheard
from tests.aloud.recital import Recital
from tests.aloud.straight import heard_straight
from tests.bench.machine import told_machine
from tests.recognizers import open_google
from tests.servers import whisper_server
from tests.sim.call import open_clock

SENTENCES = 24
PAUSE_SECONDS = (3.5, 9.0)
NOISES = {
    "quiet": None,
    "white, 20 dB": Noise("white", 20.0),
    "babble, 20 dB": Noise("babble", 20.0),
    "babble, 10 dB": Noise("babble", 10.0),
}
LEADS_SECONDS = (1.0, 1.013)
console = Console(width=110)
Rows = dict[str, list[list[str]]]


async def measure(language: str, noises: list[str], sentences: int, table: Table) -> None:
    """A row for each run."""
    rows: Rows = {}
    async with _ears() as (google, clock), trio.open_nursery() as nursery:
        for noise in noises:
            nursery.start_soon(_hear, (language, noise, sentences), google, clock, rows)
    for noise in noises:
        for row in rows[noise]:
            table.add_row(language, noise, *row)


async def _hear(what: tuple[str, str, int], google: Recognizer, clock: MediaClock, rows: Rows) -> None:
    language, noise, sentences = what
    said, later = (line(language, sentences, PAUSE_SECONDS, lead, NOISES[noise]) for lead in LEADS_SECONDS)
    recital = Recital(said, (Overheard(google, said.audio),), gate=True)
    await recital.run(clock)
    recital.check()
    calm, shifted = await heard_straight(google, said), await heard_straight(google, later)
    seconds = len(said.audio) / 16000
    streamed = sum(stream.seconds for stream in recital.recognizers[0].streams)
    runs = (("off", calm, seconds), ("on", recital.text, streamed), ("off, 13 ms later", shifted, seconds))
    rows[noise] = []
    for name, text, sent in runs:
        said_words, first, words = (normalised(each, said.tag) for each in (said.text, calm, text))
        rates = (100 * (compare(one, words).rate or 0) for one in (said_words, first))
        share = f"{100 * (1 - sent / seconds):.0f} %"
        rows[noise].append([name, f"{sent:.0f}", share, str(len(said_words)), *(f"{rate:.1f}" for rate in rates)])


@asynccontextmanager
async def _ears() -> AsyncIterator[tuple[Recognizer, MediaClock]]:
    with whisper_server() as address:
        async with open_google(address) as google, open_clock(SileroModel()) as clock:
            yield google, clock


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stt_gate", description=__doc__)
    parser.add_argument("--languages", nargs="+", default=["ru", "en"], choices=["ru", "en"])
    parser.add_argument("--noises", nargs="+", default=list(NOISES), choices=NOISES)
    parser.add_argument("--sentences", type=int, default=SENTENCES)
    parser.add_argument("--pace", type=float, default=1.0, help="of the call's time, for a busy machine [1]")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console.print(f"{told_machine()}; base int8, pace {chosen.pace:g}")
    table = Table(title="STT_GATE: streamed seconds, and words in %")
    for name in ("language", "line", "gate", "streamed s", "saved", "words", "WER", "differ"):
        table.add_column(name, justify="left" if name in ("language", "line", "gate") else "right")
    for language in chosen.languages:
        clock = trio.testing.MockClock(rate=chosen.pace)
        trio.run(measure, language, chosen.noises, chosen.sentences, table, clock=clock)
    console.print(table)


if __name__ == "__main__":
    main()
