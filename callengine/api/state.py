"""What the HTTP side sees of the engine, and nothing more."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from callengine.api.shared_events import SharedEvents
from callengine.config import Settings
from callengine.ports.journal import Journal
from callengine.ports.registry import Registry
from callengine.ports.sound import OpenSound


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
    """The engine as the API may ask it.

    `listening`: AudioSocket accepts connections. `outcome`: the dialplan's word for a call (`hangup`, `transfer:NAME`,
    `retry`, `busy`, `failed`, `apologised`); `retry` for one this node does not know. `transfer`: to a target of the
    call's agent, on whatever node it is up; so is `hang_up`; both raise ServiceError where that one does not answer.
    `announcement`: the UUID with which a transferred call's summary is spoken to the person there, if it
    is to be. `hang_up`: within seconds, whatever Asterisk does; `told` where it has not confirmed. `reachable`: checks
    of what a conversation needs beyond this node (`recognizer`, `dialog`, perhaps `fallback_recognizer`), which raise
    an EngineError. `fallback_carries`: streams go to the fallback recogniser now. `events`: what the
    record was told on any node. `open_sound`: a recording, where it can be read from here.
    """

    settings: Settings
    journal: Journal
    registry: Registry
    listening: Callable[[], bool]
    admission: Callable[[], Admission]
    outcome: Callable[[UUID], Awaitable[str]]
    announcement: Callable[[UUID], UUID | None]
    transfer: Callable[[UUID, str], Awaitable[Literal["unknown", "no_target", "ending", "ordered"]]]
    hang_up: Callable[[UUID], Awaitable[Literal["unknown", "closed", "told"]]]
    drain: Callable[[], None]
    reachable: Mapping[str, Callable[[], Awaitable[None]]]
    fallback_carries: Callable[[], bool]
    events: SharedEvents
    open_sound: OpenSound
