"""How much more audio has come than time has passed: what a stall held back comes late, and is no flood. Pure."""

from callengine.errors import RemoteProtocolError
from callengine.media.audio import RATE

HELD_SECONDS = 60.0  # of audio that a stall has held back, the peer's, the network's or ours: what the ring could hold
FLOOD_SECONDS = 3.0  # more audio than that, and than time has passed: no telephone makes it


class Surplus:
    """One line's. Times are seconds on one clock."""

    __slots__ = ("_samples", "_settled_at", "taken")

    def __init__(self, now: float) -> None:
        self.taken = 0  # samples since it was last settled, kept or not; whoever takes them adds them
        self._samples = 0.0  # beyond those that time has room for; below 0 what may still come late
        self._settled_at = now

    def settle(self, now: float) -> None:
        """Set what was taken against the time that has passed. Raises RemoteProtocolError for a flood."""
        self._samples = max(-HELD_SECONDS * RATE, self._samples + self.taken - (now - self._settled_at) * RATE)
        self._settled_at, self.taken = now, 0
        if self._samples > FLOOD_SECONDS * RATE:
            raise RemoteProtocolError("flood", f"{FLOOD_SECONDS:.0f} s more audio than time has passed")
