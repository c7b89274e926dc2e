"""What speculative start gains and costs: `python -m tests.bench.ahead`. In virtual time, with every delay stated; the
engine's own steps take none.

The callers are a model, no recordings: they say a sentence, one in ten goes on within the pause, and of one in twenty
the final has other words than the stable interim. The delays are those of the project's numbers, and a slower final."""

import statistics
import sys
from dataclasses import dataclass, replace
from random import Random

import structlog
import trio
from prometheus_client import REGISTRY
from rich.console import Console
from rich.table import Table

from callengine.call.parts import CallLimits
from tests.sim.call import Parts, open_stage, run_virtual
from tests.sim.echoing import EchoingDialog
from tests.sim.plays import AGENT
from tests.sim.stamped import StampedVoice
from tests.sim.told import Told, ToldRecognizer

TURNS = 60
INTERIM, FIRST_TOKEN, FIRST_AUDIO = 0.1, 0.4, 0.15
FINALS = (0.3, 0.7, 1.0)
GOES_ON, MISHEARD = 0.10, 0.05
ABOUT = ("зимы", "лета", "города", "трассы", "цены")
WORDS = ("шины", "зимние", "летние", "диски", "заказ есть", "доставка", "наличие")


@dataclass(frozen=True, slots=True)
class Said:
    """One turn: its bursts of speech, and what the recogniser says of each."""

    bursts: tuple[tuple[Told, ...], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Seconds of every turn, and how many replies were begun ahead: taken, discarded."""

    waits: list[float]
    used: float
    discarded: float


def turns_of(final: float) -> list[Said]:
    """The same callers for every setting."""
    chance, turns = Random(5), []
    for number in range(TURNS):
        text = f"{chance.choice(WORDS)} для {ABOUT[number % len(ABOUT)]}"
        kind = chance.random()
        burst = (Told(INTERIM, text, 0.9), Told(final, f"{text.capitalize()}?"))
        if kind < GOES_ON:
            turns.append(Said((burst, (Told(INTERIM, "и цена", 0.9), Told(final, "и цена")))))
        elif kind < GOES_ON + MISHEARD:
            turns.append(Said(((Told(INTERIM, text, 0.9), Told(final, f"не {text}")),)))
        else:
            turns.append(Said((burst,)))
    return turns


def told(result: str) -> float:
    return REGISTRY.get_sample_value("callengine_speculative_replies_total", {"result": result}) or 0.0


async def measure(final: float, on: bool, found: list[Found]) -> None:
    """One long call."""
    turns = turns_of(final)
    parts = replace(
        Parts(),
        recognizer=ToldRecognizer([burst for turn in turns for burst in turn.bursts]),
        voice=StampedVoice(first_delay_seconds=FIRST_AUDIO),
        dialog=EchoingDialog(first_seconds=FIRST_TOKEN),
        agent=AGENT,
        limits=CallLimits(speculate=on),
    )
    used, discarded, waits = told("used"), told("discarded"), []
    async with open_stage(parts) as stage:
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        for turn in turns:
            await trio.sleep(1.0)
            for at, _ in enumerate(turn.bursts):
                await trio.sleep(0.3 if at else 0.0)
                await stage.asterisk.speak(0.8)
            ended = trio.current_time()
            waits.append(await stage.asterisk.agent_speaks() - ended)
            await stage.asterisk.agent_silent()
        stage.asterisk.hang_up()
    found.append(Found(waits, told("used") - used, told("discarded") - discarded))


def main() -> None:
    """Measure, and print the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    table = Table(
        title=f"Speculative start: {TURNS} turns a row; stable interim {INTERIM * 1000:.0f} ms behind the speech, "
        f"first token {FIRST_TOKEN * 1000:.0f} ms, first audio {FIRST_AUDIO * 1000:.0f} ms; virtual time"
    )
    for column in ("final", "SPECULATE", "wait p50 ms", "p95 ms", "begun ahead", "used", "discarded"):
        table.add_column(column, justify="right")
    for final in FINALS:
        for on in (False, True):
            found: list[Found] = []
            run_virtual(measure, final, on, found)
            (row,) = found
            begun = row.used + row.discarded
            share = [f"{begun:.0f}", f"{row.used:.0f}", f"{row.discarded / begun:.0%}"] if begun else ["0", "-", "-"]
            waits = statistics.median(row.waits), statistics.quantiles(row.waits, n=20)[-1]
            table.add_row(
                f"{final * 1000:.0f} ms", "on" if on else "off", *(f"{wait * 1000:.0f}" for wait in waits), *share
            )
    Console(width=None if sys.stdout.isatty() else 130).print(table)


if __name__ == "__main__":
    main()
