"""A person takes over, now or later: whether anybody is in, what is said where nobody is, and who is to be called back.

Outside the agent's hours nobody is put through, whether the model, the key 0 or a failure would have it: the caller is
told so, and a call back is noted. (An order by the API is a person's own, and obeyed at any hour.)"""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from callengine.agent import AgentProfile
from callengine.call.ending import Ending
from callengine.call.history import History
from callengine.call.parts import Call
from callengine.call.record import CallbackWish, Record, ToolAsked
from callengine.call.summary import plain_summary, shortened
from callengine.errors import ReasoningError
from callengine.ports.reasoning import CALL_BACK, TRANSFER
from callengine.ports.tools import ToolResult

PROMISED = "the dialog failed, the caller was promised a call back"  # decides the dialplan's word
LONGEST = 400  # characters of a wish's fields: what is beyond it is no request any more
_NUMBER = re.compile(r"\+?[\d\s().-]{2,40}")
_FEWEST_DIGITS = 3  # of an extension

SayText = Callable[[str], Awaitable[None]]
log = structlog.get_logger(__name__)


def may_transfer(agent: AgentProfile) -> bool:
    """Whether there is anybody to put a caller through to, and they are in now."""
    return bool(agent.transfer.targets) and _is_open(agent)


def _is_open(agent: AgentProfile) -> bool:
    return agent.hours is None or agent.hours.is_open(datetime.now(UTC))


def to_person(call: Call, history: History, record: Record) -> tuple[str, Ending | None]:
    """The caller has pressed 0: what is said, and how the call ends then; it goes on where nobody is in."""
    agent = call.agent
    if not _is_open(agent):
        return agent.absence(promised=_promise(call, history, record)), None
    summary = plain_summary(agent, call.caller, history.items)
    return agent.transferring, Ending("transferred", "the caller pressed 0", agent.transfer.on_zero, summary)


async def give_up(call: Call, history: History, record: Record, say: SayText, error: ReasoningError) -> Ending:
    """The dialog has failed at an answer: a person takes over where the agent file names one. Raises the error where it
    names none, or where nobody is in and nobody can be called back."""
    agent = call.agent
    is_open = _is_open(agent)
    if not agent.transfer.on_failure or not (is_open or _promise(call, history, record)):
        raise error
    log.error("dialog_failed", problem=str(error))
    if not is_open:
        await say(agent.absence(promised=True))
        return Ending("failed", PROMISED)
    await say(agent.failing or agent.transferring)
    summary = plain_summary(agent, call.caller, history.items)
    return Ending("transferred", "the dialog failed", agent.transfer.on_failure, summary)


def _promise(call: Call, history: History, record: Record) -> bool:
    """Note a call back without a word of the model's; False where the number is not known."""
    number = call.caller.number
    if number and not any(wish.number == number for wish in record.wishes):
        about = plain_summary(call.agent, call.caller, history.items)
        record.callback(CallbackWish(number, call.caller.name, about))
    return bool(number)


def run_built_in(call: Call, asked: ToolAsked, history: History, record: Record) -> ToolResult | None:
    """The result of a built-in tool that does not end an answer; None for any other tool."""
    match asked.call.name:
        case CALL_BACK.name:
            return _note_call_back(call, asked, history, record)
        case TRANSFER.name:
            return _no_transfer(call, asked)
        case _:
            return None


def _note_call_back(call: Call, asked: ToolAsked, history: History, record: Record) -> ToolResult:
    told = {name: shortened(str(asked.call.arguments.get(name) or ""))[:LONGEST] for name in _fields()}
    number = told["number"] or call.caller.number
    if not number:
        return _refused(asked, "the caller's number is not known: ask which number to call")
    if told["number"] and not _is_number(number):
        return _refused(asked, "number: give it in digits, for instance +74951234567")
    about = told["about"] or plain_summary(call.agent, call.caller, history.items)
    wish = CallbackWish(number, told["name"] or call.caller.name, about, told["when"])
    record.callback(wish, asked.sequence)
    return _result(asked, {"noted": True, "number": number, **_opening(call.agent)})


def _fields() -> tuple[str, ...]:
    return tuple(CALL_BACK.parameters["properties"])


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) and sum(sign.isdigit() for sign in text) >= _FEWEST_DIGITS


def _no_transfer(call: Call, asked: ToolAsked) -> ToolResult:
    agent = call.agent
    if not agent.transfer.targets:
        return _refused(asked, "there is nobody to put callers through to: offer a call back")
    advice = {"say": agent.closed, "then": f"Offer to have a person call back ({CALL_BACK.name})."}
    problem = "nobody is in now, the caller was not put through"
    return _result(asked, {"error": problem, **advice, **_opening(agent)}, is_error=True)


def _opening(agent: AgentProfile) -> dict[str, str]:
    """When people are in again, where they are not."""
    now = datetime.now(UTC)
    if agent.hours is None or agent.hours.is_open(now) or (opens := agent.hours.opens(now)) is None:
        return {}
    return {"opens": opens.strftime("%A %Y-%m-%d %H:%M")}


def _refused(asked: ToolAsked, problem: str) -> ToolResult:
    return _result(asked, {"error": problem}, is_error=True)


def _result(asked: ToolAsked, content: dict[str, object], *, is_error: bool = False) -> ToolResult:
    return ToolResult(asked.call.id, json.dumps(content, ensure_ascii=False), is_error)
