"""An entry of the record as an event: its name, and what the record of the call will show of it, no more."""

from typing import Any

from pydantic_core import to_jsonable_python

from callengine.api.records import ToolView, TurnView, callback_view, costs_of, recording_view, summary_of
from callengine.ports.journal import (
    CallbackRequested,
    CallClosed,
    CallerFound,
    CallOpened,
    CallRecord,
    Entry,
    RecordingKept,
    ToolRecorded,
    TurnRecorded,
)

OPENING = {"call_id", "node", "language", "number", "name", "called", "channel", "fields", "opened_at"}
CLOSING = ("call_id", "closed_at", "seconds", "outcome", "detail", "target", "summary")


def event_of(entry: Entry) -> tuple[str, dict[str, Any]]:
    """The event's name and its data, as JSON types. Every event has `call_id`."""
    match entry:
        case CallOpened():
            return "opened", summary_of(CallRecord(entry, None)).model_dump(mode="json", include=OPENING)
        case CallerFound():
            found = {"number": entry.number, "name": entry.name, "called": entry.called, "channel": entry.channel}
            return "caller", {"call_id": entry.call_id} | found
        case TurnRecorded():
            return "turn", {"call_id": entry.call_id} | TurnView.model_validate(entry).model_dump(mode="json")
        case ToolRecorded():
            return "tool", {"call_id": entry.call_id} | ToolView.model_validate(entry).model_dump(mode="json")
        case CallbackRequested():
            return "callback", callback_view(entry).model_dump(mode="json")
        case RecordingKept():
            return "recording", {"call_id": entry.call_id} | recording_view(entry).model_dump(mode="json")
        case CallClosed():
            return "closed", to_jsonable_python({name: getattr(entry, name) for name in CLOSING} | costs_of(entry.used))
