"""A tiny AudioSocket peer for tests of the caller: a greeting of tone, silence between, an answer to what it hears.

It knows nothing of the engine, on purpose: the caller must be right against the protocol, not against our codec.
"""

import math
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

SILENCE = bytes(320)
TONE = b"".join(struct.pack("<h", round(8000 * math.sin(2 * math.pi * 500 * n / 8000))) for n in range(160))


def message(kind: int, payload: bytes) -> bytes:
    return struct.pack("!BH", kind, len(payload)) + payload


@dataclass
class Peer:
    """Greets for `greeting` frames, answers `answer` frames after each stretch of speech, hangs up when told."""

    greeting: int = 10
    answer: int = 10
    hang_up_after_answers: int = 1_000_000
    heard: list[tuple[int, bytes]] = field(default_factory=list)
    ended: trio.Event = field(default_factory=trio.Event)

    async def serve(self, stream: trio.abc.Stream) -> None:
        """One call, until either side ends it."""
        playing = self.greeting
        speech = quiet = answers = 0
        tick = trio.current_time()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read, stream, nursery.cancel_scope)
                while True:
                    await trio.sleep_until(tick)
                    tick += 0.02
                    await stream.send_all(message(0x10, TONE if playing > 0 else SILENCE))
                    playing -= 1
                    loud = bool(self.heard) and self.heard[-1][0] == 0x10 and abs(_peak(self.heard[-1][1])) > 64
                    speech, quiet = (speech + loud, 0) if loud else (speech, quiet + 1)
                    if speech >= 3 and quiet == 10:
                        speech, playing, answers = 0, self.answer, answers + 1
                    if answers >= self.hang_up_after_answers and playing < -5:
                        await stream.send_all(message(0x00, b""))
                        await self.ended.wait()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            self.ended.set()

    async def _read(self, stream: trio.abc.Stream, call: trio.CancelScope) -> None:
        pending = b""
        async for data in stream:
            pending += data
            while len(pending) >= 3 and len(pending) >= 3 + (length := int.from_bytes(pending[1:3])):
                self.heard.append((pending[0], pending[3 : 3 + length]))
                pending = pending[3 + length :]
        self.ended.set()
        call.cancel()


def _peak(slin: bytes) -> int:
    return max(abs(sample) for (sample,) in struct.iter_unpack("<h", slin))


@asynccontextmanager
async def open_peer(peer: Peer) -> AsyncIterator[int]:
    """The peer on a free port of loopback."""

    async def serve(stream: trio.SocketStream) -> None:
        stream.setsockopt(trio.socket.IPPROTO_TCP, trio.socket.TCP_NODELAY, 1)
        await peer.serve(stream)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, serve, 0)
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()
