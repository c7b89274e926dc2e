"""The record of a call as the API shows it: part of the contract, so it changes only by addition."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from callengine.ports.journal import CallbackRequested, CallRecord, Outcome, RecordingKept, Role
from callengine.ports.usage import SERVICES, Bill, Service, cost_by_service, total_cost

# Of an entry of a call: beyond 32 bits where the call has changed nodes.
EntryNumber = Annotated[int, Field(json_schema_extra={"format": "int64"})]


class UsedView(BaseModel):
    """So much of one paid product: seconds of audio, characters, tokens. `usd` is null where its price is not known."""

    model_config = ConfigDict(from_attributes=True)

    service: Service
    product: str
    seconds: float = 0.0
    characters: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None


class CostView(BaseModel):
    """Dollars by service and in all, null where a part has no price; of a service that was not used 0."""

    stt: float | None
    llm: float | None
    tts: float | None
    total: float | None


class TurnView(BaseModel):
    """One turn. Times in seconds since the call was opened, `timings` in seconds by stage. `sequence` grows with time,
    and not by one: where the call has changed nodes it has 16 digits."""

    model_config = ConfigDict(from_attributes=True)

    sequence: EntryNumber
    role: Role
    text: str
    started: float
    ended: float
    interrupted: bool
    timings: Mapping[str, float]
    used: Sequence[UsedView] = ()


class ToolView(BaseModel):
    """One tool call; `sequence` is shared with the turns."""

    model_config = ConfigDict(from_attributes=True)

    sequence: EntryNumber
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
    sequence: EntryNumber
    requested_at: datetime
    number: str
    name: str
    about: str
    when: str


class RecordingView(BaseModel):
    """The sound of a call, or of one of its connections: the caller left, the agent right. `file`: its path under
    DATA_DIR/recordings of `node`, unless that keeps none once `url`, where it is in S3, has it. `began`: its first
    sample."""

    model_config = ConfigDict(from_attributes=True)

    file: str
    node: str
    began: datetime
    seconds: float
    url: str


class CallbackPage(BaseModel):
    """Requests to be called back, newest first. The last one's `requested_at` is the next page's `before`."""

    callbacks: Sequence[CallbackView]


class CallSummary(BaseModel):
    """One call without what was said. Closing fields are null while it is up, `used` and `cost_usd` also where they
    were not recorded."""

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
    used: Sequence[UsedView] | None = None
    cost_usd: CostView | None = None


class CallPage(BaseModel):
    """Calls, newest first. `next_cursor` is the next page's `cursor`, null where there is none."""

    calls: Sequence[CallSummary]
    next_cursor: str | None = None


class CallView(CallSummary):
    """One call with its turns and tool calls. `summary`: what the person is told to whom it was put through."""

    turns: Sequence[TurnView]
    tools: Sequence[ToolView]
    summary: str
    callbacks: Sequence[CallbackView]
    recordings: Sequence[RecordingView] = ()


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
        **costs_of(closed.used if closed else None),
    }


def costs_of(bill: Bill | None) -> dict[str, Any]:
    """The fields `used` and `cost_usd` of what a call has used."""
    if bill is None:
        return {"used": None, "cost_usd": None}
    costs = cost_by_service(bill)
    dollars = {service: costs.get(service, Decimal(0)) for service in SERVICES} | {"total": total_cost(bill)}
    used = [UsedView.model_validate(used) for used in bill]
    return {"used": used, "cost_usd": CostView.model_validate(dollars)}


def summary_of(record: CallRecord) -> CallSummary:
    """A call as a line of a list."""
    return CallSummary(**_summary(record))


def view_of(record: CallRecord) -> CallView:
    """A call with everything the record has."""
    turns = [TurnView.model_validate(turn) for turn in record.turns]
    tools = [ToolView.model_validate(tool) for tool in record.tools]
    callbacks = [callback_view(callback) for callback in record.callbacks]
    recordings = [recording_view(recording) for recording in record.recordings]
    said: dict[str, Any] = {"turns": turns, "tools": tools, "callbacks": callbacks, "recordings": recordings}
    return CallView(**_summary(record), summary=record.closed.summary if record.closed else "", **said)


def recording_view(recording: RecordingKept) -> RecordingView:
    """Where the sound of a call is."""
    return RecordingView.model_validate(recording)


def callback_view(callback: CallbackRequested) -> CallbackView:
    """A request to be called back."""
    return CallbackView.model_validate(callback)
