"""The dialplan's word for a call: by how it ended, or, where no node can say, by what the record says of its end."""

from callengine.agent import AgentProfile
from callengine.answering import Agents
from callengine.call.call import APOLOGISED, CALLER_GONE
from callengine.call.handover import PROMISED
from callengine.call.parts import Ending
from callengine.ports.journal import CallRecord
from callengine.ports.tools import CallerContext

GOES_ON = ("retry", "busy")  # words after which another node may have the call
# The line went without a word of ours: who still asks has a caller who lost us (one who hung up has nobody ask).
LINE_LOST = (CALLER_GONE, "reset", "fault", "stalled")


def word_for(ending: Ending, agent: AgentProfile) -> str:
    """`failed`: the caller has heard nothing of it, so they go to people at once; after an apology the shop decides."""
    if ending.outcome == "transferred":
        return f"transfer:{agent.transfer.destination(ending.target).word}"
    if ending.outcome == "handed_over" or ending.detail in LINE_LOST:
        return "retry"
    if ending.outcome == "failed" and ending.detail != PROMISED:
        return "apologised" if ending.detail == APOLOGISED else "failed"
    return "hangup"


def word_of_record(record: CallRecord | None, agents: Agents) -> str:
    """The last word for a call that is over in the record, as the node that had it has said it. Nothing for any other:
    one without an end may have lost its node, and goes on; a target that the agent file has no more is nowhere."""
    if record is None or record.closed is None or record.closed.outcome in ("busy", "refused"):
        return ""
    closed = record.closed
    agent, _ = agents.answering(CallerContext(closed.call_id, record.opened.language))
    if closed.outcome == "transferred" and closed.target not in agent.transfer.targets:
        return ""
    word = word_for(Ending(closed.outcome, closed.detail, closed.target), agent)
    return "" if word in GOES_ON else word
