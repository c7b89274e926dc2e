"""Recorded speech over the agent: how soon the agent is silent, and whether the record has what went out."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import trio

from tests.bench.dialog.calls import SILENCE, Caller, Utterance, open_caller
from tests.bench.dialog.heard import Account, words_of
from tests.bench.dialog.lines import long_answer
from tests.bench.dialog.sounds import Sound
from tests.bench.dialog.stage import Stage

EACH = 11  # sounds a call: the first is answered, each of the others interrupts an answer
SPOKEN_SECONDS = (0.7, 4.5)  # of the answer before the interruption: the guard against echo is over, the answer is not


@dataclass(frozen=True, slots=True)
class Interruption:
    """`seconds`: first frame later confirmed as speech → first silent frame, at the wire; infinite: not silent before
    the caller's last frame. `recorded` and `heard`: texts, None where the record has no answer; `begun`: the pieces of
    which anything went out. `unknown`: frames nobody accounts for, but the one that falls to silence."""

    name: str
    seconds: float
    recorded: str | None
    heard: str
    begun: str
    unknown: int

    @property
    def words_off(self) -> int:
        """By how many words the record says too much, or too little."""
        return len((self.recorded or "").split()) - len(self.heard.split())


async def measure_interruptions(stage: Stage, sounds: Sequence[Sound], account_told: bool) -> list[Interruption]:
    """All calls at once. `account_told`: words are where the voice's stand-in says, not where the voice's marks are."""
    stage.brain.learn(sounds, long_answer)
    callers: list[Caller] = []
    async with trio.open_nursery() as nursery:
        for first in range(0, len(sounds), EACH):
            await trio.sleep(0.37)
            nursery.start_soon(_call, stage, sounds[first : first + EACH], callers)
    account = Account(stage.folder, stage.told if account_told else None)
    return [found for caller in callers for found in _interruptions(caller, account, stage.brain.answers)]


async def _call(stage: Stage, sounds: Sequence[Sound], callers: list[Caller]) -> None:
    dice = random.Random(sounds[0].name)
    async with open_caller(stage.engine) as caller:
        for sound in sounds:
            if not await caller.say(sound):
                break
            await caller.phone.agent_speaking(dice.uniform(*SPOKEN_SECONDS))
    callers.append(caller)


def _interruptions(caller: Caller, account: Account, answers: Mapping[str, str]) -> Iterator[Interruption]:
    recorded = {utterance.frame: turn for utterance, turn in caller.answers()}
    for asked, over in pairwise(caller.said):
        frames = [(at, slin) for at, slin in caller.tap.heard if asked.over < at < over.over]
        heard = account.follow([slin for _, slin in frames], answers[asked.sound.text])
        turn = recorded.get(asked.frame)
        text = turn["text"] if turn is not None and turn["interrupted"] else None
        unknown = max(heard.unknown - 1, 0)
        yield Interruption(over.sound.name, _silenced(over, frames), text, words_of(heard), heard.begun, unknown)


def _silenced(over: Utterance, frames: Sequence[tuple[float, bytes]]) -> float:
    assert over.sound.began is not None
    sounding = [at for at, (_, slin) in enumerate(frames) if slin != SILENCE]
    silent = sounding[-1] + 1 if sounding else 0
    return frames[silent][0] - over.sent(over.sound.began) if silent < len(frames) else float("inf")
