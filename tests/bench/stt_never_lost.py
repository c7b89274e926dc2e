"""Words through rotations and through the death of a server, against an undisturbed run of the same audio.

`python -m tests.bench.stt_never_lost [--languages ru en] [--apart]`. A caller says recorded sentences, 0.65 s between
them, to the engine's own ear in real time: its detectors, its recognizer, its gRPC clients. whisper-server stands in
for Google, and its streams end at a shortened limit (WHISPER_FAULTS); then the server of STT_BACKEND is killed with
SIGKILL in mid-sentence, with STT_FALLBACK beside it. Positions are asserted (`tests.aloud`), words are compared
after both were brought to one spelling. A third run begins 13 ms later: what it differs by, the model itself does.
"""

import argparse
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
import trio
from rich.console import Console
from rich.table import Table

from backends.stt.recognizer import SpeechRecognizer
from callengine.evaluation.scoring import compare
from callengine.evaluation.words import normalised
from callengine.media.clock import MediaClock
from tests.aloud.lines import line
from tests.aloud.overheard import Overheard
from tests.aloud.recital import Recital, mid_sentence, open_clock, recite, rotations
from tests.recognizers import open_whisper_and_google
from tests.servers import listening, start_whisper_server, whisper_server

ROTATIONS = 20
LIMIT_SECONDS = 9.0
PAUSE_SECONDS = (0.65, 0.65)
SENTENCES = 52  # enough for the rotations
SHORT = 10  # of the run in which a server dies
SHIFTED_SECONDS = 1.013
console = Console(width=110)


@dataclass(frozen=True, slots=True)
class Ears:
    """Two open recognisers of one process: our own server, and Google's client at another of our servers."""

    ours: SpeechRecognizer
    google: SpeechRecognizer
    clock: MediaClock
    at_once: int  # runs


async def rotated(ears: Ears, language: str) -> list[Recital]:
    """The undisturbed run, the one with rotations, and the undisturbed one that begins later; all at once."""
    said, later = (line(language, SENTENCES, PAUSE_SECONDS, lead) for lead in (1.0, SHIFTED_SECONDS))
    recitals = [
        Recital(said, (Overheard(ears.ours, said.audio),)),
        Recital(said, (Overheard(ears.google, said.audio, LIMIT_SECONDS),)),
        Recital(later, (Overheard(ears.ours, later.audio),)),
    ]
    await recite(recitals, ears.clock, ears.at_once)
    return recitals


async def killed(ears: Ears, language: str, kill: Callable[[], None]) -> list[Recital]:
    """An undisturbed run, one whose server dies in its middle, and none that begins later."""
    said = line(language, SHORT, PAUSE_SECONDS)
    both = Overheard(ears.ours, said.audio), Overheard(ears.google, said.audio)
    recitals = [Recital(said, (Overheard(ears.google, said.audio),)), Recital(said, both)]
    await recite(recitals[:1], ears.clock, 1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recite, recitals[1:], ears.clock, 1)
        await trio.sleep(mid_sentence(said, SHORT // 2))
        kill()
    return recitals


async def measure(language: str, at_once: int, table: Table) -> None:
    """A row for each kind of disturbance."""
    threads = {"WHISPER_CPU_THREADS": "1"}
    faults = f"limit={LIMIT_SECONDS}"
    with whisper_server(**threads, WHISPER_FAULTS=faults) as limited, whisper_server(**threads) as free:
        async with _open(free, limited, at_once) as ears:
            table.add_row(*_row("rotations", language, await rotated(ears, language)))
    with whisper_server(**threads) as spare, start_whisper_server(**threads) as process:
        async with _open(listening(process), spare, at_once) as ears:
            table.add_row(*_row("kill -9", language, await killed(ears, language, process.kill)))


@asynccontextmanager
async def _open(ours: str, googles: str, at_once: int) -> AsyncIterator[Ears]:
    async with open_whisper_and_google(f"grpc://{ours}", googles) as opened, open_clock() as clock:
        yield Ears(*opened, clock, at_once)


def _row(what: str, language: str, recitals: list[Recital]) -> list[str]:
    calm, disturbed, *later = (normalised(recital.text, language) for recital in recitals)
    said = normalised(recitals[0].line.text, language)
    wrong = [compare(said, words).rate for words in (calm, disturbed)]
    return [
        what,
        language,
        str(rotations(recitals[1])),
        str(len(calm)),
        _percent(compare(calm, disturbed).rate),
        _percent(compare(calm, later[0]).rate) if later else "–",
        *map(_percent, wrong),
    ]


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.1f}"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stt_never_lost", description=__doc__)
    parser.add_argument("--languages", nargs="+", default=["ru", "en"], choices=["ru", "en"])
    parser.add_argument("--apart", action="store_true", help="one run after another, for a machine that is not quiet")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    console.print(f"Machine: {cores} cores, load average before: {load:.2f}; base int8")
    table = Table(title="No word is lost: no sample skipped, none in two finals (asserted); words in %")
    names = ("what", "language", "streams after the first", "words", "differ", "differ, 13 ms later", "WER calm", "WER")
    for name in names:
        table.add_column(name, justify="left" if name in ("what", "language") else "right")
    for language in chosen.languages:
        trio.run(measure, language, 1 if chosen.apart else 3, table)
    console.print(table)


if __name__ == "__main__":
    main()
