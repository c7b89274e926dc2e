"""Words through rotations and through the death of a server, against an undisturbed stream of the same audio.

`python -m tests.bench.stt_never_lost [--languages ru en] [--pace 0.5]`. A caller says recorded sentences, 0.65 s
between them, to the engine's own ear in real time: its detectors, its recognizer, its gRPC clients. whisper-server
stands in for Google, and its streams end at a shortened limit (WHISPER_FAULTS); then the server of STT_BACKEND is
killed with SIGKILL in mid-sentence, with STT_FALLBACK beside it. Positions are asserted (`tests.aloud`), words are
compared after both were brought to one spelling. The same audio 13 ms later in its stream differs by what the model
itself does. A machine that is busy takes `--pace 0.5`: the call's time then passes half as fast as the server's.
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

from backends.stt.recognizer import SpeechRecognizer
from callengine.evaluation.scoring import compare
from callengine.evaluation.words import normalised
from callengine.media.clock import MediaClock
from callengine.media.silero import SileroModel
from tests.aloud.lines import Line, line
from tests.aloud.overheard import Overheard
from tests.aloud.recital import Recital, mid_sentence, rotations
from tests.aloud.straight import heard_straight
from tests.bench.machine import told_machine
from tests.recognizers import open_whisper_and_google
from tests.servers import listening, start_whisper_server, whisper_server
from tests.sim.call import open_clock

LIMIT_SECONDS = 15.0  # as long as five sentences: their finals may be late
PAUSE_SECONDS = (0.65, 0.65)
SENTENCES = 90  # enough for 20 rotations
FEWER = 10  # of the call whose server dies
SHIFTED_SECONDS = 1.013
console = Console(width=110)
Ears = tuple[SpeechRecognizer, SpeechRecognizer, MediaClock]


async def rotated(language: str, pace: float, table: Table) -> None:
    """A row: one server for an undisturbed stream, another whose streams end."""
    said, later = (line(language, SENTENCES, PAUSE_SECONDS, lead) for lead in (1.0, SHIFTED_SECONDS))
    with whisper_server() as whole, whisper_server(WHISPER_FAULTS=f"limit={LIMIT_SECONDS / pace}") as limited:
        async with _ears(whole, limited) as (ours, google, clock):
            calm, shifted = await heard_straight(ours, said), await heard_straight(ours, later)
            recital = Recital(said, (Overheard(google, said.audio, LIMIT_SECONDS),))
            await recital.run(clock)
    recital.check()
    table.add_row("rotations", *_row(said, recital, calm, shifted))


async def killed(language: str, _pace: float, table: Table) -> None:
    """A row: the server dies in the middle of a sentence in the middle of the call."""
    said, later = (line(language, FEWER, PAUSE_SECONDS, lead) for lead in (1.0, SHIFTED_SECONDS))
    with whisper_server() as spare, start_whisper_server() as process:
        async with _ears(listening(process), spare) as (ours, google, clock):
            calm, shifted = await heard_straight(google, said), await heard_straight(google, later)
            recital = Recital(said, (Overheard(ours, said.audio), Overheard(google, said.audio)))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(recital.run, clock)
                await trio.sleep(mid_sentence(said, FEWER // 2))
                process.kill()
    recital.check()
    table.add_row("kill -9", *_row(said, recital, calm, shifted))


@asynccontextmanager
async def _ears(ours: str, googles: str) -> AsyncIterator[Ears]:
    async with open_whisper_and_google(f"grpc://{ours}", googles) as opened, open_clock(SileroModel()) as clock:
        yield *opened, clock


def _row(said: Line, recital: Recital, calm: str, shifted: str) -> list[str]:
    spelled = [normalised(text, said.tag) for text in (said.text, calm, shifted, recital.text)]
    text, first, later, heard = spelled
    rates = [compare(*pair).rate for pair in ((first, heard), (first, later), (text, first), (text, heard))]
    percents = ("–" if rate is None else f"{100 * rate:.1f}" for rate in rates)
    return [said.language, str(rotations(recital)), str(len(text)), *percents]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stt_never_lost", description=__doc__)
    parser.add_argument("--languages", nargs="+", default=["ru", "en"], choices=["ru", "en"])
    parser.add_argument("--pace", type=float, default=1.0, help="of the call's time, for a busy machine [1]")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console.print(f"{told_machine()}; base int8, pace {chosen.pace:g}")
    table = Table(title="No sample skipped, none in two finals (asserted); words in %")
    names = ("what", "language", "rotations", "words", "differ", "13 ms later", "WER undisturbed", "WER")
    for name in names:
        table.add_column(name, justify="left" if name in ("what", "language") else "right")
    for language in chosen.languages:
        for run in (killed, rotated):
            trio.run(run, language, chosen.pace, table, clock=trio.testing.MockClock(rate=chosen.pace))
            console.print(table)


if __name__ == "__main__":
    main()
