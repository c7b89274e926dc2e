"""One answer of the agent: from the history to speakable pieces, running the tools the dialog backend asks for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from callengine.call.history import History
from callengine.call.parts import Call
from callengine.call.record import Record
from callengine.call.sentences import Splitter
from callengine.call.tool_calls import run_tools
from callengine.ports.reasoning import END_CALL, TRANSFER, AgentSaid, Delayed, HistoryItem, ReplyRequest, TextDelta
from callengine.ports.tools import ToolCall

TOOL_ROUNDS = 5  # a backend that still asks for tools then has lost its way

SayText = Callable[[str], Awaitable[None]]
Began = Callable[[], None]


@dataclass(frozen=True, slots=True)
class AnswerResult:
    """What is to follow an answer: nothing, the end of the call, or a transfer to `target`."""

    last: bool = False
    target: str = ""


async def make_answer(call: Call, history: History, record: Record, say: SayText, began: Began) -> AnswerResult:
    """Ask the dialog backend until it asks for no more tools; `say` gets each piece as soon as it can be spoken, and
    `began` is called whenever text comes.

    Raises ReasoningError."""
    said: list[str] = []

    async def say_piece(piece: str) -> None:
        said.append(piece)
        await say(piece)

    for _ in range(TOOL_ROUNDS):
        draft = " ".join(said)
        request = request_of(call, (*history.items, AgentSaid(draft)) if draft else tuple(history.items))
        calls = await _ask(call, request, say_piece, began)
        for wanted in calls:
            if wanted.name in (END_CALL.name, TRANSFER.name):
                return await _close(call, wanted, say_piece, bool(said))
        if not calls:
            break
        await run_tools(call, calls, history, record)
    return AnswerResult()


def request_of(call: Call, items: tuple[HistoryItem, ...]) -> ReplyRequest:
    """What the dialog backend is asked when so much has been said, heard and looked up."""
    tools = (*call.services.toolbox.specs, END_CALL, TRANSFER)
    return ReplyRequest(call.agent.instructions, items, tools, call.caller, call.meter.tokens)


async def _ask(call: Call, request: ReplyRequest, say: SayText, began: Began) -> list[ToolCall]:
    splitter = Splitter(call.agent.language)
    calls: list[ToolCall] = []
    async with call.services.dialog.open_reply(request) as reply:
        while (event := await reply.receive()) is not None:
            match event:
                case TextDelta(text=text):
                    began()
                    for piece in splitter.feed(text):
                        await say(piece)
                case Delayed():
                    for piece in (*splitter.finish(), call.agent.one_moment):
                        if piece:
                            await say(piece)
                case ToolCall():
                    calls.append(event)
    for piece in splitter.finish():
        await say(piece)
    return calls


async def _close(call: Call, wanted: ToolCall, say: SayText, said: bool) -> AnswerResult:
    if wanted.name == END_CALL.name:
        if not said:
            await say(call.agent.goodbye)
        return AnswerResult(last=True)
    target = str(wanted.arguments.get("target", "")) or call.agent.transfer.default
    if target not in call.agent.transfer.targets:
        target = call.agent.transfer.default
    if not said:
        await say(call.agent.transferring)
    return AnswerResult(last=True, target=target)
