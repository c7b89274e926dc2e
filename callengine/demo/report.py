"""What came of the demo's call: what was said beside what is in the record, and what is missing from it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from callengine.api.records import CallView, CostView, TurnView, UsedView
from callengine.call import timing
from callengine.demo.speech import Utterance
from callengine.shown_use import Spread, spread_of

STAGES = (*timing.STAGES, "response")


@dataclass(slots=True)
class Spoken:
    """An utterance and when it was said, in seconds since the call was connected. `response_seconds`: from the end of
    its speech to the agent's first audible frame, at the caller's end of the wire."""

    utterance: Utterance
    began: float
    response_seconds: float | None = None


@dataclass(slots=True)
class Exchange:
    """What the caller said, what was made of it, and what the caller heard of the answers."""

    spoken: Spoken
    heard: list[TurnView] = field(default_factory=list)
    answers: list[TurnView] = field(default_factory=list)

    @property
    def number(self) -> int:
        """The utterance's."""
        return self.spoken.utterance.number

    @property
    def recognised(self) -> str:
        """Everything the record has the caller say."""
        return " ".join(turn.text for turn in self.heard)

    @property
    def seconds(self) -> dict[str, float]:
        """By stage, of the last answer that was made to it; `wire` as the caller measured."""
        timed = [turn.timings for turn in self.answers if "response" in turn.timings]
        stages = dict(timed[-1]) if timed else {}
        wire = self.spoken.response_seconds
        return stages | ({"wire": round(wire, 4)} if wire is not None else {})


@dataclass(frozen=True, slots=True)
class Report:
    """The whole call. `missing` is one line about the first thing that is not as it should be; empty: nothing."""

    exchanges: Sequence[Exchange]
    outcome: str
    seconds: float
    missing: str
    used: Sequence[UsedView] = ()
    cost: CostView | None = None

    def spread(self, stage: str) -> Spread | None:
        """Least, median and most seconds of a stage; None where no turn has it."""
        return spread_of([exchange.seconds[stage] for exchange in self.exchanges if stage in exchange.seconds])


def utterance_of(turn: TurnView, spoken: Sequence[Spoken]) -> int:
    """The index of the utterance that a caller's turn is of: the last one begun before the turn's middle; -1: none."""
    middle = (turn.started + turn.ended) / 2
    return sum(said.began <= middle for said in spoken) - 1


def match(spoken: Sequence[Spoken], turns: Sequence[TurnView]) -> list[Exchange]:
    """Each utterance with its turns of the record. An agent's turn answers the caller's last before it."""
    exchanges = [Exchange(said) for said in spoken]
    current = -1
    for turn in sorted(turns, key=lambda turn: turn.sequence):
        if turn.role == "caller":
            current = utterance_of(turn, spoken)
        if current >= 0:
            exchange = exchanges[current]
            (exchange.heard if turn.role == "caller" else exchange.answers).append(turn)
    return exchanges


def report_on(spoken: Sequence[Spoken], utterances: int, record: CallView | None, problem: str) -> Report:
    """Judge a call of so many utterances. `problem` is what the wire showed, empty where all went well."""
    exchanges = match(spoken, record.turns if record else ())
    missing = problem or _missing(exchanges, utterances, record)
    seconds = record.seconds if record and record.seconds else 0.0
    outcome = (record and record.outcome) or "unknown"
    used, cost = (record.used or (), record.cost_usd) if record else ((), None)
    return Report(exchanges, outcome, seconds, missing, used, cost)


def _missing(exchanges: Sequence[Exchange], utterances: int, record: CallView | None) -> str:
    if record is None:
        return "the call is not in the record"
    for exchange in exchanges:
        if not exchange.recognised.strip():
            return f"utterance {exchange.number} is not in the record: nothing of it was recognised"
        if not exchange.answers:
            return f"utterance {exchange.number} got no answer"
    if len(exchanges) < utterances:
        return f"the call ended before the caller could say utterance {len(exchanges) + 1} of {utterances}"
    if record.outcome is None:
        return "the end of the call is not in the record"
    if record.outcome != "completed":
        return f"the call ended as {record.outcome!r}, not as 'completed'"
    return ""
