"""One reader's server-sent events (WHATWG HTML, "Server-sent events"): from its last id on, told of what it missed."""

import json
import re
from typing import Any

import structlog
import trio

from callengine.api.event_ring import EventRing
from callengine.api.event_views import event_of
from callengine.metrics import event_readers_dropped_total

HEARTBEAT_SECONDS = 15.0  # proxies cut what is silent for 30 to 60 s
EVENTS_AT_ONCE = 20  # putting them into words stays within a 5 ms step of the loop
HEAD = b"retry: 2000\n\n"
HEARTBEAT = b":\n\n"
ID = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")

log = structlog.get_logger(__name__)


class EventStream:
    """An async iterator over chunks of the stream. It ends when the node has drained, and for a reader so slow that the
    ring has lost its place: it comes back with its last id, and hears of the gap."""

    def __init__(self, ring: EventRing, last_id: str | None) -> None:
        self._ring = ring
        self._next, gap = resumed(ring, last_id)
        self._ready = [HEAD] if gap is None else [HEAD, gap]
        self._told_draining = False
        self._next_beat = trio.current_time() + HEARTBEAT_SECONDS

    def __aiter__(self) -> "EventStream":
        return self

    async def __anext__(self) -> bytes:
        ring = self._ring
        while True:
            self._collect()
            if self._ready:
                chunk, self._ready = b"".join(self._ready), []
                return chunk
            if ring.closed or self._next < ring.first:
                raise StopAsyncIteration
            if trio.current_time() >= self._next_beat:
                self._next_beat += HEARTBEAT_SECONDS
                return HEARTBEAT
            await ring.news(self._next_beat)

    def _collect(self) -> None:
        ring = self._ring
        if self._next < ring.first:
            event_readers_dropped_total.inc()
            log.warning("event_reader_too_slow", lost=ring.first - self._next)
            return
        while len(self._ready) < EVENTS_AT_ONCE and (entry := ring.entry(self._next)) is not None:
            name, data = event_of(entry)
            self._ready.append(event_text(name, data, f"{ring.era}-{self._next}"))
            self._next += 1
        if ring.draining and not self._told_draining and self._next > ring.last:
            self._told_draining = True
            self._ready.append(event_text("draining", {}))


def resumed(ring: EventRing, last_id: str | None) -> tuple[int, bytes | None]:
    """The number of a reader's first event, and the gap that it must be told of. `last_id`: of the last event it has;
    of another node or an earlier process where it is not of this ring. None: a reader that begins now."""
    if last_id is None:
        return ring.last + 1, None
    known = ID.fullmatch(last_id)
    ours = known is not None and int(known[1]) == ring.era and int(known[2]) <= ring.last
    if ours and known is not None and int(known[2]) + 1 >= ring.first:
        return int(known[2]) + 1, None
    missed = ring.first - int(known[2]) - 1 if ours and known is not None else None
    return ring.first, event_text("gap", {"missed": missed}, f"{ring.era}-{ring.first - 1}")


def event_text(name: str, data: dict[str, Any], number: str = "") -> bytes:
    """One event as it goes out. JSON has no line break, so `data` is one line."""
    head = f"id: {number}\n" if number else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode("utf-8", "replace")
