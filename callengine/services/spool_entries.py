"""The record's entries as bytes of a file, and back: JSON `[version, kind, fields]`. Pure."""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from callengine.ports.journal import (
    CallbackRequested,
    CallClosed,
    CallerFound,
    CallOpened,
    Entry,
    RecordingKept,
    ToolRecorded,
    TurnRecorded,
)
from callengine.ports.usage import Used, used_of

VERSION = 1
# A field that is new has a default, so that files from before it can be read; anything else is a new version.
_KINDS: dict[str, type[Entry]] = {
    "opened": CallOpened,
    "caller": CallerFound,
    "turn": TurnRecorded,
    "tool": ToolRecorded,
    "callback": CallbackRequested,
    "recording": RecordingKept,
    "closed": CallClosed,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class UnknownEntryError(ValueError):
    """Whole, but not ours to understand: a newer engine wrote it."""


def packed(entry: Entry) -> bytes:
    """An entry as ASCII. Arguments of a tool that cannot be told (nested too deeply, say) are replaced by a note."""
    try:
        return _told(entry)
    except (RecursionError, ValueError) as error:
        if not isinstance(entry, ToolRecorded):
            raise
        return _told(replace(entry, arguments={"not_kept": type(error).__name__}))


def unpacked(payload: bytes) -> Entry:
    """What was packed, text as the database would have it. Raises UnknownEntryError."""
    try:
        version, name, values = json.loads(payload)
        if version != VERSION:
            raise UnknownEntryError(f"version {version}")
        return _KINDS[name](**{field: _restored(field, value) for field, value in values.items()})
    except (TypeError, AttributeError, KeyError, ValueError, ArithmeticError, RecursionError) as error:
        raise UnknownEntryError(type(error).__name__) from error


def _told(entry: Entry) -> bytes:
    values = {field.name: _plain(getattr(entry, field.name)) for field in fields(entry)}
    return json.dumps([VERSION, _NAMES[type(entry)], values], default=str, separators=(",", ":")).encode("ascii")


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair; two of them are no pair
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Used):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {_plain(str(name)): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def _restored(field: str, value: Any) -> Any:
    if field in ("opened_at", "closed_at", "requested_at", "began"):
        return datetime.fromisoformat(value)
    if field == "used" and value is not None:
        return tuple(map(used_of, value))
    return value
