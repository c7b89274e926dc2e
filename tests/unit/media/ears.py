"""A leg on a wire of memory, and what its ear is told: messages in, marks out."""

import trio

from callengine.media.leg import Leg
from callengine.media.marks import Mark
from tests.sim.wire import MemoryWire

TICK = 0.02


def make_leg(no_media_seconds: float = 60.0) -> tuple[Leg, MemoryWire]:
    wire = MemoryWire()
    return Leg(wire, 0.0, no_media_seconds), wire


def told(leg: Leg) -> list[Mark]:
    marks: list[Mark] = []
    while True:
        try:
            marks.append(leg.marks.receive_nowait())
        except (trio.WouldBlock, trio.EndOfChannel):
            return marks


def hear(leg: Leg, wire: MemoryWire, begin: float, messages: list[bytes]) -> float:
    """One message a tick; returns the time after the last."""
    for message in messages:
        begin += TICK
        wire.feed(message)
        leg.receive(begin)
    return begin


def hear_what_waits(leg: Leg, wire: MemoryWire, now: float) -> None:
    """Read until nothing is left: a second of audio a read."""
    while wire.waiting:
        leg.receive(now)
