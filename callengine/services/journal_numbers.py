"""Entries of one number that are not the same entry. Pure.

Nodes number a call's connections so that they never meet (`call/checkpoint.py`). Should they meet all the same, for a
Redis came back empty or an older version numbered one of them, the entry that comes later gets a number beside: what
somebody said is worth more than its place."""

from datetime import datetime

from callengine.ports.journal import CallbackRequested, ToolRecorded, TurnRecorded

Numbered = TurnRecorded | ToolRecorded | CallbackRequested
# Beyond all that is numbered from 1 on, before all that is numbered by the time.
BESIDE = 10**9


def moment_of(entry: Numbered) -> float | datetime:
    """When it was, which no two entries of one number share: where that is the same, the entry was recorded again."""
    return entry.requested_at if isinstance(entry, CallbackRequested) else entry.started
