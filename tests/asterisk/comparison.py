"""Two recordings of the same speech, what was said and what was heard: what is missing, repeated, extra or replaced.

Pure (numpy). It works like `diff`, on samples: runs that are alike, and what lies between two runs. Two samples are
alike within what A-law leaves of one, once the level has been evened out. Where speech is lost or added, the place
after it is found by correlation, and the seam is laid where it fits best."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from tests.asterisk.alaw import Samples
from tests.asterisk.finding import STEP, TEMPLATE, Floats, best_place, find_anchor, gain_of, is_speech
from tests.asterisk.heard import SOUND

Kind = Literal["missing", "repeated", "extra", "silence", "replaced"]

REACH = 24000  # how far on speech is looked for that has moved: 3 s
MOSTLY = 0.9  # of the samples of such a piece
QUIET = 16  # A-law's silence is 8
PIECE = 160  # the least that lies between two holes: a packet


@dataclass(frozen=True, slots=True)
class Span:
    """Samples from `begin` up to `end`."""

    begin: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Difference:
    """Speech of `said` that was heard otherwise; `silence`, `extra` and `repeated` are in `heard` only."""

    kind: Kind
    said: Span
    heard: Span


@dataclass(frozen=True, slots=True)
class Run:
    """So many samples alike, from `said` in the one and `heard` in the other."""

    said: int
    heard: int
    length: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of the speech. `level_db`: how much louder it was heard; `clipped`: samples cut off at the loudest
    value; `exact`: each sample of the runs is the same, but for zeros in the place of a line's silence, which is 8."""

    runs: tuple[Run, ...]
    differences: tuple[Difference, ...]
    level_db: float
    clipped: int
    exact: bool

    @property
    def begin(self) -> int:
        """Where in what was heard the speech begins."""
        return self.runs[0].heard - self.runs[0].said

    def heard_at(self, said: int) -> int | None:
        """Where a sample of the speech was heard; None where it was not."""
        for run in self.runs:
            if run.said <= said < run.said + run.length:
                return run.heard + said - run.said
        return None


def compare(said: Samples, heard: Samples) -> Comparison:
    """Find `said` in `heard`, which may hold more before and after. Raises NotHeardError."""
    anchor = Run(*find_anchor(said, heard), TEMPLATE)
    gain = gain_of(said[anchor.said :][:TEMPLATE], heard[anchor.heard :][:TEMPLATE])
    pair = _Pair(said.astype(np.float64) * gain, heard.astype(np.float64), float(np.abs(heard.astype(np.int32)).max()))
    back = _Pair(pair.said[: anchor.said][::-1], pair.heard[: anchor.heard][::-1], pair.ceiling)
    runs = [_turned(run, anchor) for run in _walk(back, 0, 0)][::-1]
    runs = _with_seams(pair, _joined(runs + list(_walk(pair, anchor.said, anchor.heard))))
    spans = [(run.said, run.heard, run.length) for run in runs]
    exact = all(_is_exact(said[s : s + n], heard[h : h + n]) for s, h, n in spans)
    level = 20 * math.log10(_rms(heard, [(h, n) for _, h, n in spans]) / _rms(said, [(s, n) for s, _, n in spans]))
    clipped = sum(pair.clipped(s, h, n) for s, h, n in spans)
    return Comparison(tuple(runs), tuple(_differences(runs, said, heard)), level, clipped, exact)


def is_late_audio(difference: Difference, said: Samples, heard: Samples) -> bool:
    """What an engine's call time makes of packets that a busy machine has held up: silence in, and out again what its
    detector calls no voice, a room's noise as well."""
    gone = np.abs(said[difference.said.begin : difference.said.end].astype(np.int32)).max(initial=0)
    came = np.abs(heard[difference.heard.begin : difference.heard.end].astype(np.int32)).max(initial=0)
    return bool(gone <= SOUND and came <= QUIET)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both recordings at the same level."""

    said: Floats
    heard: Floats
    ceiling: float

    def run_at(self, said: int, heard: int) -> int:
        """How many samples are alike from here on."""
        length = min(len(self.said) - said, len(self.heard) - heard)
        unlike = np.flatnonzero(~self.alike(said, heard, length))
        return int(unlike[0]) if len(unlike) else length

    def run_before(self, said: int, heard: int, most: int) -> int:
        """How many samples are alike up to here, at most so many."""
        unlike = np.flatnonzero(~self.alike(said - most, heard - most, most)[::-1])
        return int(unlike[0]) if len(unlike) else most

    def clipped(self, said: int, heard: int, length: int) -> int:
        """Samples at the ceiling that were said louder."""
        return int(np.count_nonzero(self._cut_off(said, heard, length) & ~self._near(said, heard, length)))

    def distance(self, said: int, heard: int, length: int) -> Floats:
        """How far apart samples are."""
        return np.asarray(np.abs(self.said[said : said + length] - self.heard[heard : heard + length]))

    def alike(self, said: int, heard: int, length: int) -> npt.NDArray[np.bool_]:
        """Which samples from here on are."""
        return np.asarray(self._near(said, heard, length) | self._cut_off(said, heard, length))

    def _near(self, said: int, heard: int, length: int) -> npt.NDArray[np.bool_]:
        one, other = self.said[said : said + length], self.heard[heard : heard + length]
        return np.asarray(np.abs(one - other) <= QUIET + np.abs(one) / 16)  # a step of A-law is a 16th at most

    def _cut_off(self, said: int, heard: int, length: int) -> npt.NDArray[np.bool_]:
        one, other = self.said[said : said + length], self.heard[heard : heard + length]
        cut = (np.abs(other) == self.ceiling) & (one * other > 0) & (np.abs(one) > self.ceiling)
        return np.asarray(cut)


def _is_exact(said: Samples, heard: Samples) -> bool:
    """A hole that is filled within silence shifts nothing that can be heard, so it is in the middle of a run."""
    return bool(np.all((said == heard) | ((heard == 0) & (np.abs(said) <= QUIET))))


def _walk(pair: _Pair, said: int, heard: int) -> Iterator[Run]:
    """Runs from a place on, where both are believed to be alike."""
    while True:
        if length := pair.run_at(said, heard):
            yield Run(said, heard, length)
            said, heard = said + length, heard + length
        if said >= len(pair.said) or heard >= len(pair.heard):
            return
        again = _found_again(pair, said, heard)
        if again is None:
            return
        said, heard = again


def _found_again(pair: _Pair, said: int, heard: int) -> tuple[int, int] | None:
    """The next place after a difference from which both are alike; None where there is none."""
    if (after := _after_zeros(pair, said, heard)) is not None:
        return after
    for later in range(said, min(len(pair.said), said + REACH) - TEMPLATE + 1, STEP):
        template = pair.said[later : later + TEMPLATE]
        if not is_speech(template):
            continue
        window = pair.heard[heard : heard + later - said + REACH]
        at = best_place(template, window, later - said)
        if at is None:
            continue
        place = heard + at
        alike = pair.alike(later, place, TEMPLATE)
        if np.mean(alike) < MOSTLY:  # a vowel is much like itself a little later
            continue
        first = int(np.argmax(alike))
        back = 0 if first else pair.run_before(later, place, min(later - said, place - heard))
        return later + first - back, place + first - back
    return _in_place(pair, said, heard)


def _after_zeros(pair: _Pair, said: int, heard: int) -> tuple[int, int] | None:
    """Where speech goes on behind zeros, which no line's audio has, so that they are a hole that was filled. There may
    be only a packet of it up to the next hole, too little to be looked for. The last run may have gone into the hole,
    where both are quiet: then speech goes on that much earlier."""
    before, after = np.flatnonzero(pair.heard[:heard]), np.flatnonzero(pair.heard[heard:])
    begin, end = int(before[-1]) + 1 if len(before) else 0, heard + int(after[0]) if len(after) else heard
    length = min(PIECE, len(pair.said) - said, len(pair.heard) - end)
    if begin == end or not length:
        return None
    into = min(heard - begin, said, REACH)
    places = np.lib.stride_tricks.sliding_window_view(pair.said[said - into : said + length], length)[::-1]
    apart = np.abs(places - pair.heard[end : end + length])
    far = np.where(np.all(apart <= QUIET + np.abs(places) / 16, axis=1), apart.sum(axis=1), np.inf)
    back = int(np.argmin(far))
    return (said, end + back) if np.isfinite(far[back]) else None


def _in_place(pair: _Pair, said: int, heard: int) -> tuple[int, int] | None:
    """Too quiet to be looked for: the next 10 ms that are alike where they should be."""
    alike = pair.alike(said, heard, min(len(pair.said) - said, len(pair.heard) - heard))
    enough = np.convolve(alike, np.ones(STEP), "valid") == STEP if len(alike) >= STEP else np.zeros(0)
    places = np.flatnonzero(enough)
    return (said + int(places[0]), heard + int(places[0])) if len(places) else None


def _turned(run: Run, anchor: Run) -> Run:
    """A run of the reversed recordings before an anchor as one of the recordings."""
    return Run(anchor.said - run.said - run.length, anchor.heard - run.heard - run.length, run.length)


def _joined(runs: list[Run]) -> list[Run]:
    """Runs that follow each other without a difference are one."""
    joined = runs[:1]
    for run in runs[1:]:
        last = joined[-1]
        if (last.said + last.length, last.heard + last.length) == (run.said, run.heard):
            joined[-1] = Run(last.said, last.heard, last.length + run.length)
        else:
            joined.append(run)
    return joined


def _with_seams(pair: _Pair, runs: list[Run]) -> list[Run]:
    """A run goes on into what lies beyond its end for as long as that is alike by chance: lay each seam anew."""
    settled = runs[:1]
    for run in runs[1:]:
        last = settled[-1]
        if run.heard == last.heard + last.length or run.said == last.said + last.length:
            on = _best_seam(pair, last, run)
            settled[-1] = Run(last.said, last.heard, last.length + on)
            settled.append(Run(run.said + on, run.heard + on, run.length - on))
        else:
            settled.append(run)
    return settled


def _best_seam(pair: _Pair, last: Run, run: Run) -> int:
    """How much further on than found the one run should end and the other begin, to fit best; rather little."""
    back, on = last.length - 1, run.length - 1
    as_last = pair.distance(last.said + last.length - back, last.heard + last.length - back, back + on)
    as_next = pair.distance(run.said - back, run.heard - back, back + on)
    cost = np.concatenate(([0.0], np.cumsum(as_last))) + np.append(np.cumsum(as_next[::-1])[::-1], 0.0)
    best = np.flatnonzero(cost == cost.min()) - back
    return int(best[np.argmin(np.abs(best))])


def _differences(runs: list[Run], said: Samples, heard: Samples) -> Iterator[Difference]:
    first, last = runs[0], runs[-1]
    if first.said:
        yield Difference("missing", Span(0, first.said), Span(first.heard, first.heard))
    for before, after in pairwise(runs):
        gone = Span(before.said + before.length, after.said)
        came = Span(before.heard + before.length, after.heard)
        yield Difference(_kind(gone, came, heard), gone, came)
    if (end := last.said + last.length) < len(said):
        yield Difference("missing", Span(end, len(said)), Span(last.heard + last.length, last.heard + last.length))


def _kind(gone: Span, came: Span, heard: Samples) -> Kind:
    if not came.length:
        return "missing"
    if gone.length:
        return "replaced"
    added = heard[came.begin : came.end].astype(np.int32)
    if np.abs(added).max() <= QUIET:
        return "silence"
    before = heard[max(0, came.begin - came.length) : came.begin].astype(np.int32)
    after = heard[came.end : came.end + came.length].astype(np.int32)
    repeats = [len(other) == len(added) and bool(np.all(np.abs(added - other) <= QUIET)) for other in (before, after)]
    return "repeated" if any(repeats) else "extra"


def _rms(samples: Samples, spans: list[tuple[int, int]]) -> float:
    kept = np.concatenate([samples[begin : begin + length] for begin, length in spans]).astype(np.float64)
    return max(1e-9, float(np.sqrt(np.mean(kept**2))))
