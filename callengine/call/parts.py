"""What one call is made of: its line, who calls, which agent answers, and the ports it may use."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import trio

from callengine.agent import AgentProfile
from callengine.call.checkpoint import Checkpoint
from callengine.call.ending import Ending as Ending
from callengine.call.entrance import Entrances
from callengine.call.events import TransferOrdered
from callengine.call.failover import Failover
from callengine.call.meter import Meter
from callengine.call.sources import AWAY_SECONDS, Sources
from callengine.call.turns import TurnTimes
from callengine.media.leg import Leg
from callengine.ports.control import Control
from callengine.ports.events import EventLog
from callengine.ports.journal import Journal
from callengine.ports.nodes import Nodes
from callengine.ports.reasoning import Dialog
from callengine.ports.recognition import Endpointing, Recognizer
from callengine.ports.registry import Claim, Registry
from callengine.ports.synthesis import Voice
from callengine.ports.tools import CallerContext, Toolbox
from callengine.ports.turn_end import TurnEnd
from callengine.prices import Prices


class Recorder(Protocol):
    """Keeps the sound of calls."""

    def taping(self, leg: Leg, call_id: str, epoch: int) -> AbstractContextManager[None]:
        """Record a line until the block ends; `epoch` numbers the call's connections. Never waits, never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """The ports, opened; shared by all calls of the process."""

    recognizer: Recognizer
    voice: Voice
    dialog: Dialog
    toolbox: Toolbox
    journal: Journal
    registry: Registry
    control: Control
    fallback: Recognizer | None = None  # takes over where `recognizer` fails
    failover: Failover = field(default_factory=Failover)
    entrances: Entrances = field(default_factory=Entrances)
    stt_gate: bool = False
    stt_away_seconds: float = AWAY_SECONDS
    prices: Prices = field(default_factory=Prices)
    nodes: Nodes | None = None  # None: this one is alone
    event_log: EventLog | None = None  # None: likewise
    turn_end: TurnEnd | None = None  # None: the table of words alone says when a turn is over
    recorder: Recorder | None = None  # None: calls are not recorded

    @property
    def sources(self) -> Sources:
        """The recognisers, the chosen one first."""
        both = (self.recognizer,) if self.fallback is None else (self.recognizer, self.fallback)
        return Sources(both, self.failover, self.stt_gate, self.stt_away_seconds, self.entrances)


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What a call may take, and how it is listened to (`StreamSpec`)."""

    max_seconds: float = 1800.0
    times: TurnTimes = field(default_factory=TurnTimes)
    endpointing: Endpointing = "SHORT"
    chunk_ms: int = 100
    speculate: bool = False  # replies may be begun before the caller's turn is surely over


@dataclass(slots=True)
class Call:
    """One call. `caller` may become known while it is up; `orders` is how somebody outside says what becomes of it.

    A call that goes on after its connection was lost is `resumed` from there, and was `opened` (on the clock) before
    its leg began."""

    leg: Leg
    caller: CallerContext
    agent: AgentProfile
    services: Services
    limits: CallLimits = field(default_factory=CallLimits)
    orders: trio.MemoryReceiveChannel[TransferOrdered] | None = None
    claim: Claim = field(default_factory=lambda: Claim("", 1, first=True))
    resumed: Checkpoint | None = None
    meter: Meter = field(init=False)
    opened_at: datetime = field(init=False)
    opened: float = field(init=False)

    def __post_init__(self) -> None:
        self.meter = Meter(self.services.prices)
        now = datetime.now(UTC)
        self.opened_at = now if self.resumed is None else min(self.resumed.opened_at, now)  # two nodes, two clocks
        self.opened = self.leg.began - (now - self.opened_at).total_seconds()
