"""What recording costs the media clock: a leg's tick with and without a tape, speech out and in, and a recorder's
share of the loop. `python -m tests.bench.recording` prints one JSON line; ten seconds."""

import json
import time

import trio

from callengine.media.audio import RATE
from callengine.media.frames import HEADER, MESSAGE_BYTES
from callengine.media.leg import Leg
from callengine.media.tape import Tape
from tests.sim.asterisk import VOICE_FRAME

TICK = 0.02
TICKS = 3000  # a minute of a call
ROUNDS = 9


class Line:
    """A wire that always has a frame and takes every frame."""

    def __init__(self) -> None:
        self._message = HEADER + VOICE_FRAME

    def recv_nowait(self, buffer: memoryview) -> int:
        buffer[:MESSAGE_BYTES] = self._message
        return MESSAGE_BYTES

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        return len(data)

    def close(self) -> None:
        pass


def one_call(*, speaks: bool, recorded: bool) -> tuple[float, float]:
    """Microseconds of a tick, and of a recorder's visit every two seconds, on the average of a minute."""
    leg = Leg(Line(), 0.0, 60.0)
    leg.tape = tape = Tape(leg.ring, 0.0) if recorded else None
    if speaks:
        leg.playout.put(VOICE_FRAME * (TICKS + 1))
    ticking = visiting = 0.0
    for tick in range(1, TICKS + 1):
        now = tick * TICK
        began = time.perf_counter()
        leg.send(now, 0)
        leg.receive(now)
        ended = time.perf_counter()
        ticking += ended - began
        leg.ring.release(leg.ring.end - RATE)
        if tape is not None and tick % 100 == 0:
            began = time.perf_counter()
            tape.take(now)
            visiting += time.perf_counter() - began
    return ticking / TICKS * 1e6, visiting / (TICKS / 100) * 1e6


async def main() -> None:
    """Rounds of each kind in turn; the fastest counts, for what is slower is the machine's other work."""
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for speaks in (False, True):
            for recorded in (False, True):
                name = f"{'speaking' if speaks else 'silent'}, {'recorded' if recorded else 'not recorded'}"
                tick, visit = one_call(speaks=speaks, recorded=recorded)
                found.setdefault(f"tick of a leg, {name}, us", []).append(tick)
                if recorded:
                    found.setdefault(f"recorder's visit each 2 s, {name}, us", []).append(visit)
        await trio.lowlevel.checkpoint()
    print(json.dumps({name: round(min(values), 2) for name, values in found.items()}))  # noqa: T201


if __name__ == "__main__":
    trio.run(main)
