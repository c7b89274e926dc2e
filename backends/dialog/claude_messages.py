"""The history of a call as messages of the Messages API. Pure.

Every item adds blocks behind those of the items before it and changes none of them, so that the messages of one turn
are the beginning of the next turn's and can be read from the prompt cache. The API wants tool results right behind
their calls, a user's turn at the beginning and at the end, and no empty text.
https://platform.claude.com/docs/en/build-with-claude/working-with-messages"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from backends.dialog.claude_manner import Manner
from callengine.ports.reasoning import AgentSaid, CallerSaid, HistoryItem, Misheard
from callengine.ports.tools import ToolCall, ToolResult

Block = dict[str, Any]
Message = dict[str, Any]


@dataclass(slots=True)
class _Transcript:
    """The messages so far. `open_calls`: calls of tools whose results would still stand right behind them, by id."""

    manner: Manner
    messages: list[Message] = field(default_factory=list)
    open_calls: dict[str, str] = field(default_factory=dict)
    called: dict[str, str] = field(default_factory=dict)

    def add(self, role: str, block: Block) -> None:
        """A block of a role; one that follows another of the same role joins its message."""
        if not self.messages or self.messages[-1]["role"] != role:
            self.messages.append({"role": role, "content": []})
        self.messages[-1]["content"].append(block)

    def note(self, kind: str, **values: str) -> None:
        """A note of the telephone system's."""
        self.add("user", _text(self.manner.notes[kind].format_map(values)))

    def close_calls(self) -> None:
        """Calls without a result get one that says so: they may have none, or a late one."""
        for called in self.open_calls:
            self.add("user", _result(called, self.manner.notes["pending"], is_error=True))
        self.open_calls.clear()


def messages_of(history: Sequence[HistoryItem], manner: Manner, begun: bool = True) -> list[Message]:
    """The messages for a reply to `history`, but for what is said of this very reply (`note_of`). `begun`: it is the
    whole history, not the end of it."""
    transcript = _Transcript(manner)
    transcript.note("begins" if begun else "left_out")
    for at, item in enumerate(history[:-1] if _said_already(history) else history):
        _add(transcript, item, _is_refusal(history, _turn_at(history, at), manner))
    transcript.close_calls()
    return transcript.messages


def note_of(history: Sequence[HistoryItem], manner: Manner, broken_off: str = "") -> Block | None:
    """What the model is to know of the reply it makes: that the caller has heard a part of it, before tools were run or
    (`broken_off`) in an attempt that failed. It is no part of the next turn's messages."""
    heard = " ".join(filter(None, (_said_already(history), broken_off.strip())))
    if heard:
        name = "broken_off" if broken_off else "already_said"
        return _text(manner.notes[name].format_map({"text": heard}))
    return None


def _said_already(history: Sequence[HistoryItem]) -> str:
    return history[-1].text.strip() if history and isinstance(history[-1], AgentSaid) else ""


def _add(transcript: _Transcript, item: HistoryItem, refused: bool) -> None:
    if not isinstance(item, ToolResult):
        waiting = isinstance(item, ToolCall) and transcript.messages[-1]["role"] == "assistant"
        if not waiting:
            transcript.close_calls()
    match item:
        case CallerSaid() | Misheard():
            _add_callers(transcript, item, refused)
        case AgentSaid(text=text, interrupted=interrupted):
            if text.strip():
                transcript.add("assistant", _text(text.strip()))
                if interrupted:  # among the caller's words: what stands in its own the model takes up as a manner
                    transcript.note("interrupted")
        case ToolCall(id=called, name=name):
            block = {"type": "tool_use", "id": called, "name": name, "input": dict(item.arguments)}
            transcript.add("assistant", block)
            transcript.open_calls[called] = transcript.called[called] = name
        case ToolResult(id=called, content=content):
            if transcript.open_calls.pop(called, None) is not None:
                transcript.add("user", _result(called, content, item.is_error))
            else:
                transcript.close_calls()  # results stand before any text
                transcript.note("late_result", name=transcript.called.get(called, "?"), content=content)


def _add_callers(transcript: _Transcript, item: CallerSaid | Misheard, refused: bool) -> None:
    """The caller's words. Those that were refused would be refused again in every turn to come."""
    match item:
        case CallerSaid() if refused:
            transcript.note("refused")
        case CallerSaid(text=text) if text.strip():
            transcript.add("user", _text(text.strip()))
        case CallerSaid():
            transcript.note("silent")
        case Misheard(told=told, said=said) if not refused:
            transcript.note("misheard", told=told.strip(), said=said.strip())


def _turn_at(history: Sequence[HistoryItem], at: int) -> int:
    """Where the caller's turn stands that the item at `at` is about, if it is about one: itself, or the one before."""
    before = range(at, -1, -1) if isinstance(history[at], Misheard) else ()
    return next((earlier for earlier in before if isinstance(history[earlier], CallerSaid)), at)


def _is_refusal(history: Sequence[HistoryItem], at: int, manner: Manner) -> bool:
    """Whether the words at `at` are what the model refused to answer: our phrase for that is what the agent said."""
    answer = next((item.text for item in history[at + 1 :] if isinstance(item, AgentSaid)), "")
    return answer.rstrip().endswith(manner.phrases["cannot_help"])


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _result(called: str, content: str, is_error: bool) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": called, "content": content}
    return block | {"is_error": True} if is_error else block
