"""How long a call may take, and when to say that it ends soon: in a pause, never over the caller. Pure.

Times are seconds on one clock."""

from callengine.call.turn_events import State
from callengine.call.turns import Turns

WARNING_SECONDS = 60.0
LEAST_LIMIT = 120.0  # of a shorter call nobody is told in its first half that it ends
ASKED_SECONDS = 15.0  # who was asked something answers first, unless they take so long
NEARLY_OVER_SECONDS = 15.0  # the end itself says it then


class TimeLimit:
    """One call's. `warned` may be set by who has no words for a warning."""

    def __init__(self, began: float, longest: float, warned: bool) -> None:
        self.ends = began + longest
        self._warns = self.ends - WARNING_SECONDS
        self._warned = warned or longest < LEAST_LIMIT

    def next_look(self, now: float) -> float:
        """When there may be something to do, if nothing happens before."""
        looks = () if self._warned else (self._warns, self._warns + ASKED_SECONDS)
        return min((at for at in looks if at > now), default=self.ends)

    def over(self, now: float) -> bool:
        """True once: the time is up."""
        if now < self.ends:
            return False
        self.ends, self._warned = float("inf"), True
        return True

    def warns(self, turns: Turns, now: float) -> bool:
        """True once: this is the moment to say that the call ends soon."""
        if self._warned or now < self._warns or not _nobody_speaks(turns):
            return False
        if turns.asked and now < self._warns + ASKED_SECONDS:
            return False
        self._warned = True
        return now < self.ends - NEARLY_OVER_SECONDS


def _nobody_speaks(turns: Turns) -> bool:
    said = turns.utterance
    return turns.state is State.LISTENING and not turns.spoken_since and not said.text and said.paused is None
