"""What is said to a caller who says nothing: the agent's phrases in their order, then goodbye. Pure."""

from callengine.agent import AgentProfile
from callengine.call.ending import Ending
from callengine.call.presence import SILENT_LINE


class Reprompts:
    """Those of one call."""

    def __init__(self, agent: AgentProfile) -> None:
        self._agent = agent
        self._said = 0

    def begin_anew(self) -> None:
        """The caller has done something."""
        self._said = 0

    def next(self, *, silent: bool) -> tuple[str, Ending | None]:
        """What to say, and how the call ends behind it, if it does. `silent`: nothing was ever heard of the caller."""
        phrases = self._agent.no_input
        if self._said < len(phrases):
            self._said += 1
            return phrases[self._said - 1], None
        return self._agent.goodbye, Ending("no_input", SILENT_LINE if silent else "")
