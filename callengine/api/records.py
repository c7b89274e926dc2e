"""The record of a call as the API shows it: part of the contract, so it changes only by addition."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from callengine.ports.journal import CallbackRequested, CallRecord, Outcome, Role


class TurnView(BaseModel):
    """One turn. Times in seconds since the call was opened, `timings` in seconds by stage."""

    model_config = ConfigDict(from_attributes=True)

    sequence: int
    role: Role
    text: str
    started: float
    ended: float
    interrupted: bool
    timings: Mapping[str, float]


class ToolView(BaseModel):
    """One tool call; `sequence` is shared with the turns."""

    model_config = ConfigDict(from_attributes=True)

    sequence: int
    name: str
    arguments: Mapping[str, Any]
    result: str
    is_error: bool
    started: float
    seconds: float


class CallbackView(BaseModel):
    """A request to be called back at `number`; `when` and `about` as they were said. `sequence` is shared with the
    turns."""

    model_config = ConfigDict(from_attributes=True)

    call_id: str
    sequence: int
    requested_at: datetime
    number: str
    name: str
    about: str
    when: str


class CallbackPage(BaseModel):
    """Requests to be called back, newest first. The last one's `requested_at` is the next page's `before`."""

    callbacks: Sequence[CallbackView]


class CallSummary(BaseModel):
    """One call without what was said. Closing fields are null while it is up."""

    call_id: str
    node: str
    language: str
    number: str
    name: str
    called: str
    channel: str
    fields: Mapping[str, str]
    opened_at: datetime
    closed_at: datetime | None
    seconds: float | None
    outcome: Outcome | None
    detail: str
    target: str


class CallPage(BaseModel):
    """Calls, newest first. The last one's `opened_at` is the next page's `before`."""

    calls: Sequence[CallSummary]


class CallView(CallSummary):
    """One call with its turns and tool calls. `summary`: what the person is told to whom it was put through."""

    turns: Sequence[TurnView]
    tools: Sequence[ToolView]
    summary: str
    callbacks: Sequence[CallbackView]


def _summary(record: CallRecord) -> dict[str, Any]:
    opened, closed = record.opened, record.closed
    return {
        "call_id": opened.call_id,
        "node": opened.node,
        "language": opened.language,
        "number": opened.number,
        "name": opened.name,
        "called": opened.called,
        "channel": opened.channel,
        "fields": opened.fields,
        "opened_at": opened.opened_at,
        "closed_at": closed.closed_at if closed else None,
        "seconds": closed.seconds if closed else None,
        "outcome": closed.outcome if closed else None,
        "detail": closed.detail if closed else "",
        "target": closed.target if closed else "",
    }


def summary_of(record: CallRecord) -> CallSummary:
    """A call as a line of a list."""
    return CallSummary(**_summary(record))


def view_of(record: CallRecord) -> CallView:
    """A call with everything the record has."""
    turns = [TurnView.model_validate(turn) for turn in record.turns]
    tools = [ToolView.model_validate(tool) for tool in record.tools]
    callbacks = [callback_view(callback) for callback in record.callbacks]
    summary = record.closed.summary if record.closed else ""
    return CallView(**_summary(record), turns=turns, tools=tools, summary=summary, callbacks=callbacks)


def callback_view(callback: CallbackRequested) -> CallbackView:
    """A request to be called back."""
    return CallbackView.model_validate(callback)
