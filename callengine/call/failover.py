"""Which of a process's recognisers a stream is opened on: the chosen one, or the one that takes over. Pure.

A circuit for each: faults in a row open it, and then nobody waits for a recogniser that is away; after a while one
stream tries again, and its first sign of life closes the circuit. Times are seconds on one clock."""

import math

FAULTS = 3  # within FAULTS_SECONDS open a circuit
FAULTS_SECONDS = 30.0
OPEN_SECONDS = 15.0
PROBE_SECONDS = 10.0  # a probe that has said nothing either way is forgotten

CHOSEN, FALLBACK = 0, 1


class Circuit:
    """How one recogniser has done lately."""

    def __init__(self) -> None:
        self.open = False
        self._faults: list[float] = []
        self._closed_until = -math.inf  # no stream is let through before

    def admits(self, now: float) -> bool:
        """A stream may be opened. Where the circuit is open, one stream now and then, to try."""
        if not self.open:
            return True
        if now < self._closed_until:
            return False
        self._closed_until = now + PROBE_SECONDS
        return True

    def fail(self, now: float, for_good: bool = False) -> bool:
        """A stream failed; `for_good`: another would too. True when this begins an incident: the one to log."""
        self._faults = [at for at in self._faults if at > now - FAULTS_SECONDS] + [now]
        begins = len(self._faults) == 1 and not self.open
        if for_good or self.open or len(self._faults) >= FAULTS:
            self.open, self._closed_until = True, now + OPEN_SECONDS
        return begins

    def succeed(self) -> bool:
        """A stream shows life. True when this ends an incident that had opened the circuit."""
        ended, self.open = self.open, False
        if ended:
            self._faults = []
        return ended


class Failover:
    """The circuits of a process's recognisers."""

    def __init__(self) -> None:
        self.circuits = (Circuit(), Circuit())

    def pick(self, now: float, failed: int | None = None) -> int:
        """The recogniser for the next stream: the chosen one if it may be, but not the one that has just failed.
        Where neither is thought well of, the other one than failed, or the chosen one."""
        order = (FALLBACK, CHOSEN) if failed == CHOSEN else (CHOSEN, FALLBACK)
        return next((at for at in order if self.circuits[at].admits(now)), order[0])
