"""What the demo tells whoever shows it, in the order it happens. Times are seconds since the call was connected."""

from collections.abc import Callable
from dataclasses import dataclass

from callengine.api.records import TurnView
from callengine.demo.report import Report


@dataclass(frozen=True, slots=True)
class Starting:
    """A part of the engine is being started; `detail` is what it says of itself."""

    part: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Serving:
    """The engine is up, as `host:port`; what it keeps is in `data_dir`."""

    audiosocket: str
    api: str
    data_dir: str


@dataclass(frozen=True, slots=True)
class Connected:
    """The call stands. Who speaks: `caller_voice` and `agent_voice`."""

    call_id: str
    caller_voice: str
    agent_voice: str


@dataclass(frozen=True, slots=True)
class CallerSays:
    """The caller begins an utterance, in words as recorded."""

    number: int
    words: str
    at: float
    over_agent: bool


@dataclass(frozen=True, slots=True)
class AgentHeard:
    """The agent's speech reached the caller, `seconds` after the end of the caller's; None: nothing had been asked."""

    at: float
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TurnInRecord:
    """A turn came into the record; `number` is the utterance it is of or answers, 0 the greeting."""

    turn: TurnView
    number: int
    words: str  # as recorded; empty for the agent's


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over: by whom, as the caller noticed it."""

    by: str
    at: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where the record of the call is."""

    api_url: str
    sql: str  # a command line for a shell
    recording: str
    data_dir: str
    stays: bool  # the engine, and the database with it, until it is told to end

    @property
    def note(self) -> str:
        """How the record can be looked at."""
        if self.stays:
            return "The engine stays up until Ctrl-C."
        return (
            "The database stops with the demo: --stay keeps it up, `callengine serve` starts it again on the same data."
        )


@dataclass(frozen=True, slots=True)
class Done:
    """The whole call, and where it is kept."""

    report: Report
    place: Place


Event = Starting | Serving | Connected | CallerSays | AgentHeard | TurnInRecord | Ended | Done
Show = Callable[[Event], None]
