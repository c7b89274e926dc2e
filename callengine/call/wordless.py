"""An answer for which the dialog has found no words is spoken for, whatever backend it is: who asks is answered.

A backend that ends its answer behind a tool's result, or asks for tools again and again, would leave the caller to the
agent's next question, many seconds later."""

from collections.abc import Sequence

from callengine.agent import AgentProfile
from callengine.call.history import last_said
from callengine.errors import ReasoningError
from callengine.ports.reasoning import HistoryItem


def words_instead(agent: AgentProfile, history: Sequence[HistoryItem]) -> str:
    """What the agent says in place of the dialog, which has said nothing to the caller's last turn.

    Raises ReasoningError where the agent has said just that the turn before (to ask again and again is no answer), or
    where its file has no phrase for it."""
    phrase = agent.say_again or next(iter(agent.no_input), "")
    if not phrase or last_said(history).endswith(phrase):
        raise ReasoningError("the dialog found no words for an answer", retryable=False)
    return phrase
