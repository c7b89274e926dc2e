"""One reader's server-sent events (WHATWG HTML, "Server-sent events"): from its last id on, told of what it missed."""

import json
import re
from typing import Any

import structlog
import trio

from callengine.api.event_ring import EventRing
from callengine.metrics import event_readers_dropped_total
from callengine.ports.events import Place

HEARTBEAT_SECONDS = 15.0  # proxies cut what is silent for 30 to 60 s
CATCH_UP_SECONDS = 1.0  # a reader may have heard of another node what this one hears a moment later
EVENTS_AT_ONCE = 20
HEAD = b"retry: 2000\n\n"
HEARTBEAT = b":\n\n"
ID = re.compile(r"([0-9]{1,18})-([0-9]{1,18})", re.ASCII)

log = structlog.get_logger(__name__)


class EventStream:
    """An async iterator over chunks of the stream. It ends when the node has drained, and for a reader so slow that the
    ring has lost its place: it comes back with its last id, and hears of the gap."""

    def __init__(self, ring: EventRing, last_id: str | None) -> None:
        self._ring = ring
        self._last_id = last_id
        self._next = ring.last + 1
        self._placed = last_id is None
        self._ready = [HEAD]
        self._told_alone = self._told_draining = False
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
            if not self._placed:
                await self._find_place()
                continue
            if ring.closed or self._next < ring.first:
                raise StopAsyncIteration
            if trio.current_time() >= self._next_beat:
                self._next_beat += HEARTBEAT_SECONDS
                return HEARTBEAT
            await ring.news(self._next_beat)

    async def _find_place(self) -> None:
        """Where a reader goes on that has come back: behind the last event it has, or with all there is and a gap."""
        ring, place = self._ring, place_of(self._last_id or "")
        until = trio.current_time() + CATCH_UP_SECONDS
        while place is not None and ring.reached is not None and ring.reached < place and not ring.closed:
            if trio.current_time() >= until:
                break
            await ring.news(until)
        number = None if place is None else ring.number_behind(place)
        self._placed = True
        self._next = ring.first if number is None else number
        if number is None:
            self._ready.append(event_text("gap", {"missed": None}, ring.since))

    def _collect(self) -> None:
        ring = self._ring
        if not self._placed:
            return
        if self._next < ring.first:
            event_readers_dropped_total.inc()
            log.warning("event_reader_too_slow", lost=ring.first - self._next)
            return
        if ring.alone != self._told_alone:
            self._told_alone = ring.alone
            self._ready.append(event_text("alone" if ring.alone else "together", {}))
        while len(self._ready) < EVENTS_AT_ONCE and (event := ring.event(self._next)) is not None:
            if event.text:
                self._ready.append(event.text)
            self._next += 1
        if ring.draining and not self._told_draining and self._next > ring.last:
            self._told_draining = True
            self._ready.append(event_text("draining", {}))


def place_of(event_id: str) -> Place | None:
    """The place that an id names; None where it is none of ours."""
    found = ID.fullmatch(event_id)
    return None if found is None else (int(found[1]), int(found[2]))


def event_text(name: str, data: dict[str, Any], place: Place | None = None) -> bytes:
    """One event as it goes out."""
    return named_text(name, data_text(data), place)


def data_text(data: dict[str, Any]) -> str:
    """The data of an event: JSON has no line break, so it is one line."""
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "replace").decode()


def named_text(name: str, data: str, place: Place | None = None) -> bytes:
    """The same, of data that is text already."""
    return f"{place_text(place)}event: {name}\ndata: {data}\n\n".encode()


def place_text(place: Place | None) -> str:
    """The line that names a place; by itself, with an empty line, it moves a reader's place and tells it nothing."""
    return "" if place is None else f"id: {place[0]}-{place[1]}\n"
