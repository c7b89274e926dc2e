"""What the model decodes next, out of everything that waits: a pure rule over entries and a clock's reading.

Whoever waits for a final comes before a decode that is only likely to be needed, and that before an interim. A batch
takes what has the same shape as its first entry: CTranslate2 wants one window and one prompt length in a batch, and
searches all of it with as many beams. Interims are what gives way: they have only a share of the model's time, and
one that waited longer than it is worth is shed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Urgency(IntEnum):
    """How much an answer is missed, the most first."""

    FINAL = 0
    EARLY = 1
    INTERIM = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """What must be equal within a batch: window in seconds, tokens of the prompt, beams.

    `brief`: searched as a word or two. `alone`: no batch at all.
    """

    window: float
    prompt: int
    beams: int
    brief: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to decode: `number` counts arrivals, `arrived` is when on the clock, in seconds."""

    number: int
    urgency: Urgency
    shape: Shape
    arrived: float


@dataclass(frozen=True, slots=True)
class Rules:
    """`most` entries make a batch, which waits `fill_seconds` at most to become full.

    An interim is worth nothing after `interim_patience` seconds; all of them together get `interim_share` of the time,
    and no more than `interim_batches` of them are decoded beside each other.
    """

    most: int
    fill_seconds: float = 0.0
    interim_patience: float = 0.6
    interim_share: float = 0.5
    interim_batches: int = 1


@dataclass(frozen=True, slots=True)
class Step:
    """Decode `batch` now, tell `shed` that they will not be; without a batch look again at `wake` (None: on change)."""

    batch: tuple[Entry, ...]
    shed: tuple[Entry, ...]
    wake: float | None = None


def next_step(waiting: Sequence[Entry], now: float, interims_from: float, rules: Rules, idle: int = 1) -> Step:
    """Return what one worker does at `now`; before `interims_from` no batch begins with an interim.

    `idle` workers, this one among them, have nothing to do: each takes its part of what could be one batch.
    """
    interims = [entry for entry in waiting if entry.urgency is Urgency.INTERIM]
    shed = tuple(entry for entry in interims if now >= entry.arrived + rules.interim_patience)
    due = [entry for entry in waiting if entry.urgency is not Urgency.INTERIM]
    if now >= interims_from:
        due += [entry for entry in interims if entry not in shed]
    if not due:
        ends = [entry.arrived + rules.interim_patience for entry in interims if entry not in shed]
        return Step((), shed, min([interims_from, *ends]) if ends else None)
    due.sort(key=lambda entry: (entry.urgency, entry.number))
    first = due[0]
    most = 1 if first.shape.alone else rules.most
    batch = tuple(entry for entry in due if entry.shape == first.shape)[:most]
    full_or_late = len(batch) == most or now >= first.arrived + rules.fill_seconds
    part = batch[: math.ceil(len(batch) / idle)]
    return Step(part, shed) if full_or_late else Step((), shed, first.arrived + rules.fill_seconds)


def is_hopeless(urgency: Urgency, before: int, seconds_off: float, rules: Rules) -> bool:
    """Tell at once of an interim that it will be shed, before its features are computed: a whole batch of others stands
    `before` it, or none may begin for so many `seconds_off`."""
    return urgency is Urgency.INTERIM and (before >= rules.most or seconds_off >= rules.interim_patience)


def interims_resume(batch: Sequence[Entry], began: float, ended: float, rules: Rules) -> float:
    """Return when the next batch may begin with an interim, after this one: a share of the time is theirs."""
    if batch[0].urgency is not Urgency.INTERIM:
        return ended
    return ended + (ended - began) * (1 / rules.interim_share - 1)
