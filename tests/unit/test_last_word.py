"""The dialplan's word for a call as its record has the end, where no node can be asked."""

from datetime import UTC, datetime

import pytest

from callengine.agent import AgentProfile
from callengine.answering import load_agents
from callengine.call.call import APOLOGISED, CALLER_GONE
from callengine.call.handover import PROMISED
from callengine.last_word import word_of_record
from callengine.ports.journal import CallClosed, CallOpened, CallRecord, Outcome

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPENED = CallOpened("a", "one", NOON, "ru-RU")
AGENTS = load_agents(None, "ru-RU")


def target_of(agent: AgentProfile) -> str:
    return next(iter(agent.transfer.targets))


@pytest.mark.parametrize(
    ("outcome", "detail", "word"),
    [
        ("completed", "said goodbye", "hangup"),
        ("completed", "hung up from outside", "hangup"),
        ("too_long", "", "hangup"),
        ("no_input", "", "hangup"),
        ("failed", "an error", "failed"),
        ("failed", APOLOGISED, "apologised"),
        ("failed", PROMISED, "hangup"),
        ("completed", CALLER_GONE, ""),
        ("abandoned", CALLER_GONE, ""),
        ("failed", "stalled", ""),
        ("handed_over", "the engine is shutting down", ""),
        ("busy", "over MAX_CALLS", ""),
        ("refused", "", ""),
    ],
)
def test_a_call_that_is_over_has_the_word_that_its_node_gave_it(outcome: Outcome, detail: str, word: str) -> None:
    assert word_of_record(CallRecord(OPENED, CallClosed("a", NOON, 1.0, outcome, detail)), AGENTS) == word


def test_a_call_that_was_put_through_is_put_through_to_where_the_agent_sends_its_callers() -> None:
    agent = AGENTS.default
    target = target_of(agent)
    closed = CallClosed("a", NOON, 1.0, "transferred", target=target)
    word = agent.transfer.destination(target).word
    assert word_of_record(CallRecord(OPENED, closed), AGENTS) == f"transfer:{word}"
    gone = CallClosed("a", NOON, 1.0, "transferred", target="a target that was taken out of the agent file")
    assert word_of_record(CallRecord(OPENED, gone), AGENTS) == ""


def test_a_call_without_an_end_may_have_lost_its_node_and_goes_on() -> None:
    assert word_of_record(CallRecord(OPENED, None), AGENTS) == ""
    assert word_of_record(None, AGENTS) == ""
