"""What the HTTP side sees of the engine, and nothing more."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from callengine.config import Settings
from callengine.ports.journal import Journal
from callengine.ports.registry import Registry


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether another call fits: `calls` up now, `capacity` as admitted (recogniser streams counted in)."""

    calls: int
    capacity: int
    draining: bool

    @property
    def accepting(self) -> bool:
        """A call that came now would be answered."""
        return not self.draining and self.calls < self.capacity


@dataclass(frozen=True, slots=True)
class ApiState:
    """The engine as the API may ask it. The callables answer at once, from memory.

    `listening`: AudioSocket accepts connections. `outcome`: the dialplan's word for a call (`hangup`, `transfer:NAME`,
    `retry`, `busy`); `retry` for one this node does not know. `hang_up`: False when the call is not up here.
    """

    settings: Settings
    journal: Journal
    registry: Registry
    listening: Callable[[], bool]
    admission: Callable[[], Admission]
    outcome: Callable[[UUID], str]
    hang_up: Callable[[UUID], bool]
    drain: Callable[[], None]
