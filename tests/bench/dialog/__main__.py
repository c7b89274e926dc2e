"""`make bench-dialog`: the numbers of a conversation, at the wire, against their reaches. About 7 minutes.

A whole engine (`callengine serve`, journal and registry on) with Claude's SDK, Google's recogniser and voice over gRPC,
or espeak; stand-ins on loopback answer with stated delays. Callers speak recorded prompts over AudioSocket. End and
begin of speech are Silero's, dated back; times are those of frames on the callers' sockets.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import trio
from rich.console import Console

from tests.bench.dialog import disturbances, interruptions, turns
from tests.bench.dialog.fetched import fetched_sounds
from tests.bench.dialog.interruptions import Interruption
from tests.bench.dialog.prefix import Prefixes, count_prefixes
from tests.bench.dialog.report import (
    BARGE_IN_MS,
    OVER_CHAIN_MS,
    OWN_MS,
    Reach,
    barge_in,
    disturbance_table,
    exact,
    interruption_table,
    nearly,
    none_of,
    prefixes,
    reaches_table,
    resumed,
    told,
    wait_table,
    within,
    words_off,
)
from tests.bench.dialog.sounds import Sound, noises, plain, prompts
from tests.bench.dialog.stage import AT_ONCE, LANGUAGE, STATED, Delays, Stage, open_stage
from tests.bench.machine import told_machine

INTERRUPTIONS = 100  # with each voice
AGAIN = {"cough": 6, "hmm": 3}  # there are few recordings: each comes so often, at other moments
console = Console(width=None if sys.stdout.isatty() else 110)


@dataclass(frozen=True, slots=True)
class Sounds:
    """`said` in whole turns, `over` the agent, of each voice; `noises`."""

    said: list[Sound]
    over: list[Sound]
    noises: list[Sound]


def _load(calls: int | None) -> Sounds:
    folder = fetched_sounds()
    over = prompts(folder, 2 * INTERRUPTIONS * interruptions.EACH // (interruptions.EACH - 1))
    said = [sound for sound in over if plain(sound, LANGUAGE)][: (calls or turns.CALLS) * turns.TURNS]
    disturbing = [noise for noise in noises(folder) for _ in range(AGAIN.get(noise.kind, 1))]
    if calls is None:
        return Sounds(said, over, disturbing)
    several = calls * disturbances.AN_ANSWER
    return Sounds(said, over[: 2 * calls * interruptions.EACH], disturbing[:: len(disturbing) // several][:several])


@dataclass
class Run:
    """One run of the bench: the sounds, a folder, what was found."""

    sounds: Sounds
    folder: Path
    reaches: list[Reach] = field(default_factory=list)
    over: dict[str, list[Interruption]] = field(default_factory=dict)
    prefixes: Prefixes = field(default_factory=Prefixes)

    async def own(self) -> None:
        """Stand-ins that answer at once."""
        async with self._stage("google", AT_ONCE) as stage:
            waits = await turns.measure_turns(stage, self.sounds.said)
            self._count(stage, self.sounds.said[:: turns.TURNS])
        pause = turns.longest_chain(AT_ONCE)
        rows = [
            *waits.stages.items(),
            ("all of them, stand-ins' own work in it", waits.record),
            ("stand-ins' own work", waits.others),
            ("the same without: the engine's own part", waits.own),
            (f"response at the wire beyond the pause of {1000 * pause:.0f} ms", [wait - pause for wait in waits.wire]),
        ]
        console.print(wait_table("Turns, every stand-in answering at once", rows))
        for turn in waits.unknown:
            console.print(f"  not known: {turn}")
        self.reaches.append(within("engine's own part of a turn", waits.own, OWN_MS))
        self.reaches.append(none_of("turns whose own part is not known", len(waits.unknown)))
        self.reaches.append(none_of("turns without an answer", waits.missing))

    async def stated(self) -> None:
        """Google's voice and recogniser, with the stated delays."""
        async with self._stage("google", STATED) as stage:
            await self._waits(stage)
            await self._interruptions(stage, "google", self.sounds.over[: len(self.sounds.over) // 2])
            found = await disturbances.measure_disturbances(stage, self.sounds.said, self.sounds.noises)
            self._count(stage, self.sounds.said[: disturbances.CALLS])
        console.print(disturbance_table(found))
        for one in found:
            if not one.resumed:
                console.print(f"  not resumed: {one.kind} {one.name}, silent {one.silent:.2f} s")
        self.reaches += resumed(found, len(self.sounds.noises))
        self.reaches += nearly(self.over["google"])

    async def espeak(self) -> None:
        """The voice that tells its words."""
        async with self._stage("espeak", STATED) as stage:
            await self._interruptions(stage, "espeak", self.sounds.over[len(self.sounds.over) // 2 :])
        self.reaches.append(exact(self.over["espeak"]))

    async def _waits(self, stage: Stage) -> None:
        waits = await turns.measure_turns(stage, self.sounds.said)
        self._count(stage, self.sounds.said[:: turns.TURNS])
        chain = turns.longest_chain(STATED)
        title = (
            f"Turns, stand-ins' delays: final {1000 * STATED.final:.0f} ms, first token {1000 * STATED.token:.0f} ms, "
            f"first audio {1000 * STATED.audio:.0f} ms; the pause is {1000 * turns.longest_chain(AT_ONCE):.0f} ms"
        )
        rows = [("end of speech → first sound at the wire", waits.wire)]
        rows.append(
            (f"the same beyond the longest chain, {1000 * chain:.0f} ms", [wait - chain for wait in waits.wire])
        )
        console.print(wait_table(title, rows))
        self.reaches.append(within("the caller waits, at the wire", waits.wire, 1000 * chain + OVER_CHAIN_MS))
        self.reaches.append(none_of("turns without an answer", waits.missing))

    async def _interruptions(self, stage: Stage, voice: str, sounds: list[Sound]) -> None:
        found = await interruptions.measure_interruptions(stage, sounds, account_told=voice == "google")
        self.over[voice] = found
        for one in found:
            if words_off(one) or one.unknown or one.seconds * 1000 > BARGE_IN_MS:
                console.print(f"  {voice}, {one.name}: {told(one)}")
        planned = len(sounds) - len(sounds[:: interruptions.EACH])
        self.reaches.append(none_of(f"interruptions that were not made, {voice}", planned - len(found)))
        self._count(stage, sounds[:: interruptions.EACH])

    def _stage(self, voice: str, delays: Delays) -> AbstractAsyncContextManager[Stage]:
        known = [*self.sounds.over, *self.sounds.noises]
        return open_stage(self.folder / f"{voice}-{delays.token:g}", voice, delays, known)

    def _count(self, stage: Stage, openings: list[Sound]) -> None:
        """Take note of the requests that came since the last time. `openings`: what each call said first."""
        self.prefixes.add(count_prefixes(stage.api, [sound.text for sound in openings]))
        stage.api.received.clear()

    def finish(self) -> bool:
        """What it all comes to; True where every reach was met."""
        if self.over:
            console.print(interruption_table(list(self.over.items())))
            self.reaches.append(barge_in([one for found in self.over.values() for one in found]))
        for each in self.prefixes.unlike:
            console.print(f"  begins otherwise than the request before: {each}")
        self.reaches += prefixes(self.prefixes)
        console.print(reaches_table(self.reaches))
        return all(reach.ok for reach in self.reaches)


def main() -> None:
    """Measure the parts named, or all. Exit status 1 where a reach is missed."""
    parts: dict[str, Callable[[Run], Awaitable[None]]] = {"own": Run.own, "stated": Run.stated, "espeak": Run.espeak}
    parser = argparse.ArgumentParser(prog="python -m tests.bench.dialog", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=[], help="what to measure")
    parser.add_argument("--calls", type=int, help="only so many of each kind: a trial, whose figures count for nothing")
    chosen = parser.parse_args()
    began = time.monotonic()
    console.print(told_machine())
    console.print(f"Command: python -m tests.bench.dialog {' '.join(sys.argv[1:])}\n")
    sounds = _load(chosen.calls)
    with tempfile.TemporaryDirectory(prefix="callengine-bench-dialog-") as folder:
        run = Run(sounds, Path(folder))
        for part in chosen.parts or parts:
            trio.run(parts[part], run)
    met = run.finish()
    console.print(f"{time.monotonic() - began:.0f} s; load average after: {os.getloadavg()[0]:.2f}")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
