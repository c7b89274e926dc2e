"""Noises over the agent: it goes on where it stopped, if it stopped at all."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import trio

from tests.bench.dialog.calls import SILENCE, Caller, Utterance, open_caller
from tests.bench.dialog.heard import Account
from tests.bench.dialog.lines import long_answer
from tests.bench.dialog.sounds import Sound
from tests.bench.dialog.stage import Stage

CALLS = 12
AN_ANSWER = 3  # noises: the last is over before the shortest answer, 10.7 s of speech, is
BETWEEN_SECONDS = (0.8, 1.3)
LOOK_SECONDS = 0.6  # behind a noise the agent may still pause
LONGEST_SECONDS = 5.0  # no answer to the noise, no question whether the caller is there, has come by then
PAUSE_SECONDS = 0.1  # of silence; no sentence of the bench has so much
NO_TURN = {"interrupted": True}


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One noise. `silent`: how many seconds the agent was, 0 where it did not pause; `resumed`: it said the rest.
    `late`: the agent was not speaking any more when it came, and it says nothing of anything."""

    kind: str
    name: str
    silent: float
    resumed: bool
    late: bool


async def measure_disturbances(stage: Stage, asking: Sequence[Sound], noises: Sequence[Sound]) -> list[Disturbance]:
    """`asking`: what the callers ask, so that the agent has something to say; each noise is made once."""
    stage.brain.learn(asking, long_answer)
    order = random.Random(5).sample(list(noises), len(noises))
    rounds = list(zip(asking, (order[at : at + AN_ANSWER] for at in range(0, len(order), AN_ANSWER)), strict=False))
    assert sum(len(ours) for _, ours in rounds) == len(noises), "there are too few questions for so many noises"
    callers: list[Caller] = []
    async with trio.open_nursery() as nursery:
        for number in range(CALLS):
            await trio.sleep(0.37)
            if ours := rounds[number::CALLS]:
                nursery.start_soon(_call, stage, ours, callers)
    account = Account(stage.folder)
    return [found for caller in callers for found in _disturbances(caller, account, stage.brain.answers)]


async def _call(stage: Stage, rounds: Sequence[tuple[Sound, list[Sound]]], callers: list[Caller]) -> None:
    dice = random.Random(rounds[0][0].name)
    async with open_caller(stage.engine) as caller:
        for asking, noises in rounds:
            await caller.say(asking)
            await caller.phone.agent_speaking()
            for noise in noises:
                await trio.sleep(dice.uniform(*BETWEEN_SECONDS))
                if not await _disturb(caller, noise):
                    break
            await caller.phone.agent_silent(LOOK_SECONDS)
    callers.append(caller)


async def _disturb(caller: Caller, noise: Sound) -> bool:
    """Make a noise; True once the agent has been heard again."""
    await caller.say(noise)
    over = trio.current_time()
    await trio.sleep(LOOK_SECONDS)
    while trio.current_time() - over < LONGEST_SECONDS:
        if caller.tap.last_sound() > over + LOOK_SECONDS - PAUSE_SECONDS:
            return True
        await trio.sleep(0.05)
    return False


def _disturbances(caller: Caller, account: Account, answers: Mapping[str, str]) -> Iterator[Disturbance]:
    recorded = {utterance.frame: turn for utterance, turn in caller.answers()}
    asked = caller.said[0]
    for utterance, after in zip(caller.said, [*caller.said[1:], None], strict=True):
        if utterance.sound.kind == "speech":
            asked = utterance
            continue
        silent, rest = _pause(utterance, utterance.over + LONGEST_SECONDS if after is None else after.sent(0))
        goes_on = bool(account.follow(rest, answers[asked.sound.text]).pieces)
        last = after is None or after.sound.kind == "speech"
        stopped = recorded.get(asked.frame, NO_TURN)["interrupted"]
        resumed = goes_on and not (last and stopped)
        yield Disturbance(utterance.sound.kind, utterance.sound.name, silent, resumed, _is_late(utterance))


def _is_late(utterance: Utterance) -> bool:
    begin = utterance.sent(0)
    before = [slin for at, slin in utterance.tap.heard if begin - PAUSE_SECONDS < at < begin]
    return all(slin == SILENCE for slin in before)


def _pause(utterance: Utterance, until: float) -> tuple[float, list[bytes]]:
    """How long the agent was silent because of a noise, and what was heard from then on."""
    frames = [(at, slin) for at, slin in utterance.tap.heard if utterance.sent(0) < at < until]
    quiet: float | None = None
    for number, (at, slin) in enumerate(frames):
        if slin == SILENCE:
            quiet = at if quiet is None else quiet
        elif quiet is not None and at - quiet >= PAUSE_SECONDS:
            return at - quiet, [slin for _, slin in frames[number:]]
        else:
            quiet = None
            if at > utterance.over + LOOK_SECONDS:
                return 0.0, [slin for _, slin in frames[number:]]
    return until - (quiet or until), []
