"""Server-sent events from bytes. Pure.

The SDK's own stream raises in the middle of what it reads, and leaves a chain of generators to the garbage collector,
which Trio rightly warns of; so the bytes are read to their end, and decoded here.
https://html.spec.whatwg.org/multipage/server-sent-events.html"""

import json
from typing import Any


class EventDecoder:
    """The JSON objects of a stream's events. What is none, or has no end, was no event."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        """The events that are complete now."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        events = []
        for line in (line.removesuffix(b"\r") for line in lines):
            if line.startswith(b"data:"):
                self._data.append(line.removeprefix(b"data:"))
            elif not line:
                events += _objects_in(b"\n".join(self._data))
                self._data = []
        return events


def _objects_in(data: bytes) -> list[dict[str, Any]]:
    try:
        event = json.loads(data)
    except ValueError:
        return []
    return [event] if isinstance(event, dict) else []
