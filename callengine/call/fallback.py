"""An answer whatever becomes of the dialog backend: where it fails, an apology and a person, if the agent knows one."""

import structlog

from callengine.call.answer import AnswerResult, SayText, make_answer
from callengine.call.history import History
from callengine.call.parts import Call
from callengine.call.record import Record
from callengine.errors import ReasoningError

DIALOG_FAILED = "the dialog failed"

log = structlog.get_logger(__name__)


async def answer_or_transfer(call: Call, history: History, record: Record, say: SayText) -> AnswerResult:
    """`make_answer`; where the backend gives none, the agent says so and puts the caller through to its default target.

    Raises ReasoningError where the agent has none: the call then ends with an apology."""
    try:
        return await make_answer(call, history, record, say)
    except ReasoningError as error:
        target = call.agent.transfer.default
        if not target:
            raise
        log.error("dialog_failed", problem=str(error), target=target)
    await say(call.agent.apology_transferring or call.agent.transferring)
    return AnswerResult(last=True, target=target, detail=DIALOG_FAILED)
