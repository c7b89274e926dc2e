"""Whole turns: a caller says something recorded, the agent answers, and nobody interrupts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import trio

from callengine.call.timing import STAGES
from callengine.call.turns import TurnTimes
from callengine.caller.ear import is_audible
from tests.bench.dialog.calls import Caller, Utterance, open_caller
from tests.bench.dialog.lines import short_answer
from tests.bench.dialog.sounds import Sound
from tests.bench.dialog.stage import Delays, Stage

CALLS, TURNS = 10, 8
SETTLE_SECONDS = 0.8
OWN = ("flush", *STAGES[STAGES.index("first_token") :])  # of a turn whose final has come while the pause ran


@dataclass
class Waits:
    """Seconds, a turn each: `wire` from the last frame of speech to the first frame with sound, at the wire; `record`
    the record's stages from the detected end of speech to the first frame, but for pause and final (`stages` has them
    one by one); `own` the same without what the stand-ins say they took themselves (`others`: their answers are there
    at once, but have to be made and written).

    `missing`: turns without an answer at the wire. `unknown`: those of which a figure cannot be computed, with what is
    missing; such a one is in no list."""

    wire: list[float] = field(default_factory=list)
    record: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)
    missing: int = 0
    unknown: list[str] = field(default_factory=list)


def longest_chain(delays: Delays) -> float:
    """Seconds from the end of speech, nothing between the stages: the final comes while the pause is waited for."""
    return max(TurnTimes().end_pause, delays.final) + delays.token + delays.audio


async def measure_turns(stage: Stage, sounds: Sequence[Sound]) -> Waits:
    """Every call says its own sounds."""
    stage.brain.learn(sounds, short_answer)
    waits = Waits()
    answers: dict[str, dict[str, float]] = {}  # stages by answer; no two are alike
    async with trio.open_nursery() as nursery:
        for first in range(0, len(sounds), TURNS):
            await trio.sleep(0.31)  # calls do not come in one instant
            nursery.start_soon(_call, stage, sounds[first : first + TURNS], waits, answers)
    made = _seconds_made(stage.told)
    for text, answer in stage.brain.answers.items():
        account_for(waits, text, answers.get(answer, {}), _others(answer, made, stage.api.worked.get(answer, [])))
    return waits


def _others(answer: str, made: Mapping[str, float], written: Sequence[float]) -> float | None:
    """What the stand-ins took until the answer's first piece was written and had its first sound; None: not known."""
    first = next((piece for piece in made if answer.startswith(piece)), "")
    words = len(first.split())
    return made[first] + written[words - 1] if first and words <= len(written) else None


def account_for(waits: Waits, text: str, stages: Mapping[str, float], others: float | None) -> None:
    """Add one turn: what the record has of it, and what the stand-ins took of that."""
    lacking = [name for name in OWN if name not in stages]
    lacking += ["the stand-ins' own seconds"] * (others is None)
    if lacking or others is None:
        waits.unknown.append(f"{text}: {', '.join(lacking)}")
        return
    for name in OWN:
        waits.stages.setdefault(name, []).append(stages[name])
    seconds = sum(stages[name] for name in OWN)
    waits.record.append(seconds)
    waits.others.append(others)
    waits.own.append(seconds - others)


def _seconds_made(told: Path) -> dict[str, float]:
    """What the stand-in for Google's voice took for each text."""
    every = [json.loads(path.read_text(encoding="utf-8")) for path in told.glob("*.json")]
    return {speech["text"]: speech["seconds"] for speech in every}


async def _call(stage: Stage, sounds: Sequence[Sound], waits: Waits, answers: dict[str, dict[str, float]]) -> None:
    async with open_caller(stage.engine) as caller:
        for sound in sounds:
            await caller.say(sound)
            await caller.phone.agent_silent(SETTLE_SECONDS)
    found = [seconds for utterance in caller.said if (seconds := _waited(caller, utterance)) is not None]
    waits.wire += found
    waits.missing += len(sounds) - len(found)
    for utterance, turn in caller.answers():
        answers[stage.brain.answers[utterance.sound.text]] = turn["timings"]


def _waited(caller: Caller, utterance: Utterance) -> float | None:
    assert utterance.sound.ended is not None
    ended = utterance.sent(utterance.sound.ended - 1)
    first = next((at for at, slin in caller.tap.heard if at > ended and is_audible(slin)), None)
    return None if first is None else first - ended
