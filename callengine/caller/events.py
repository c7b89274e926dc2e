"""What happens in a call, as its caller notices it."""

from dataclasses import dataclass, field
from typing import Literal

import trio

from callengine.caller.wire import FRAME_BYTES, SAMPLE_RATE, Audio

GAP_SECONDS = 0.04
# A long call has some hundred events; a reader that went away must not cost more memory than that.
_EVENTS = 256

EventName = Literal[
    "connected",  # detail: the call's UUID
    "greeting_started",  # seconds since connect
    "agent_started",
    "agent_stopped",  # seconds: how long the agent spoke
    "playing",  # detail: the file
    "response",  # seconds from the end of the caller's speech to the agent's first audible frame
    "digit",  # detail: the key
    "hangup",  # detail: by whom and why
]


@dataclass(frozen=True, slots=True)
class Event:
    """`at` and `seconds` are seconds; `at` counts from the connection."""

    name: EventName
    at: float
    seconds: float | None = None
    detail: str = ""


@dataclass(slots=True)
class PhoneStats:
    """What a call's wire showed. Times are in seconds on the phone's own clock."""

    frames_sent: int = 0
    frames_received: int = 0
    other_messages: int = 0  # audio that is not 20 ms of 8 kHz
    gaps: int = 0  # spacings of two messages over 40 ms
    longest_spacing: float = 0.0
    greeting_seconds: float | None = None
    responses: list[float] = field(default_factory=list)
    events_lost: int = 0  # nobody read the event channel
    _last: float | None = None

    def count(self, now: float, audio: Audio) -> None:
        """One audio message that came at `now`."""
        if self._last is not None:
            self.gaps += now - self._last > GAP_SECONDS
            self.longest_spacing = max(self.longest_spacing, now - self._last)
        self._last = now
        self.frames_received += 1
        self.other_messages += audio.rate != SAMPLE_RATE or len(audio.slin) != FRAME_BYTES


class Notices:
    """The event channel of one call; its reader may be away, the call goes on."""

    def __init__(self, stats: PhoneStats) -> None:
        self._stats = stats
        self._sender, self.receiver = trio.open_memory_channel[Event](_EVENTS)

    def tell(self, event: Event) -> None:
        """Hand an event over, or count it as lost where nobody reads."""
        try:
            self._sender.send_nowait(event)
        except (trio.WouldBlock, trio.BrokenResourceError):
            self._stats.events_lost += 1

    def close(self) -> None:
        """No event follows: the reader's loop ends."""
        self._sender.close()
