"""One answer of the agent: from the history to speakable pieces, running the tools the dialog backend asks for."""

from collections.abc import Callable, Sequence
from typing import Protocol

from callengine.call.built_in import built_in_tools
from callengine.call.ending import Ending
from callengine.call.handover import may_transfer
from callengine.call.history import History, last_said
from callengine.call.parts import Call
from callengine.call.record import Record
from callengine.call.sentences import Splitter
from callengine.call.summary import plain_summary, shortened
from callengine.call.tool_calls import run_tools
from callengine.call.wordless import words_instead
from callengine.ports.reasoning import (
    END_CALL,
    REPEAT,
    TRANSFER,
    AgentSaid,
    Delayed,
    HistoryItem,
    ReplyRequest,
    TextDelta,
)
from callengine.ports.tools import ToolCall

Began = Callable[[], None]

TOOL_ROUNDS = 5  # a backend that still asks for tools then has lost its way
SLOWER = 0.75  # of the voice's own pace


class SayText(Protocol):
    """Hand a piece to the voice, to be spoken at a pace."""

    async def __call__(self, text: str, rate: float = 1.0) -> None: ...


async def make_answer(call: Call, history: History, record: Record, say: SayText, began: Began) -> Ending | None:
    """Ask the dialog backend until it asks for no more tools; `say` gets each piece as soon as it can be spoken, and
    `began` is called whenever text comes. Something is said in any case. Returns how the call is to end after it, if it
    is.

    Raises ReasoningError."""
    said: list[str] = []

    async def say_piece(text: str, rate: float = 1.0) -> None:
        said.append(text)
        await say(text, rate)

    for _ in range(TOOL_ROUNDS):
        draft = " ".join(said)
        request = request_of(call, (*history.items, AgentSaid(draft)) if draft else tuple(history.items))
        calls, worded = await _ask(call, request, say_piece, began)
        closing = [wanted for wanted in calls if _ends_answer(call, wanted)]
        others = [wanted for wanted in calls if wanted not in closing]
        # where one of them failed, the backend has more to say than goodbye
        well = await run_tools(call, others, history, record) if others else True
        if closing and well:
            return await _close(call, closing[0], history, say_piece, said)
        if not calls and worded:
            return None
        if not calls:
            break
    await say_piece(words_instead(call.agent, history.items))
    return None


def _ends_answer(call: Call, wanted: ToolCall) -> bool:
    return wanted.name in (END_CALL.name, REPEAT.name) or (wanted.name == TRANSFER.name and may_transfer(call.agent))


def request_of(call: Call, items: tuple[HistoryItem, ...]) -> ReplyRequest:
    """What the dialog backend is asked when so much has been said, heard and looked up."""
    tools = (*call.services.toolbox.specs, *built_in_tools(call.agent))
    return ReplyRequest(call.agent.instructions, items, tools, call.caller, call.meter.tokens)


async def _ask(call: Call, request: ReplyRequest, say: SayText, began: Began) -> tuple[list[ToolCall], bool]:
    """The tools that are asked for, and whether the dialog had words for the caller."""
    splitter = Splitter(call.agent.language)
    calls: list[ToolCall] = []
    worded = False
    async with call.services.dialog.open_reply(request) as reply:
        while (event := await reply.receive()) is not None:
            match event:
                case TextDelta(text=text):
                    began()
                    worded = worded or bool(text.strip())
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
    return calls, worded


async def _close(call: Call, wanted: ToolCall, history: History, say: SayText, said: Sequence[str]) -> Ending | None:
    agent = call.agent
    if wanted.name == REPEAT.name:
        await _repeat(call, history, say)
        return None
    if not said:
        await say(agent.goodbye if wanted.name == END_CALL.name else agent.transferring)
    if wanted.name == END_CALL.name:
        return Ending("completed")
    target = str(wanted.arguments.get("target", ""))
    if target not in agent.transfer.targets:
        target = agent.transfer.default or next(iter(agent.transfer.targets))
    summary = shortened(str(wanted.arguments.get("summary") or ""))
    return Ending("transferred", "", target, summary or plain_summary(agent, call.caller, history.items))


async def _repeat(call: Call, history: History, say: SayText) -> None:
    """What the caller heard last, once more and slower."""
    splitter = Splitter(call.agent.language)
    for piece in (*splitter.feed(last_said(history.items) or call.agent.greeting), *splitter.finish()):
        await say(piece, SLOWER)
