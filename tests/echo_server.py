"""A tiny AudioSocket peer for tests of the caller: a greeting of tone, silence between, an answer to what it hears.

It knows nothing of the engine, on purpose: the caller must be right against the protocol, not against our codec.
"""

import math
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import trio

SILENCE = bytes(320)
TONE = b"".join(struct.pack("<h", round(8000 * math.sin(2 * math.pi * 500 * n / 8000))) for n in range(160))


def message(kind: int, payload: bytes) -> bytes:
    return struct.pack("!BH", kind, len(payload)) + payload


@dataclass
class Peer:
    """Greets for `greeting` frames, answers each stretch of speech and each `#`, hangs up after so many answers."""

    greeting: int = 10
    answer: int = 10
    hang_up_after_answers: int | None = None
    heard: list[tuple[int, bytes]] = field(default_factory=list)
    ended: trio.Event = field(default_factory=trio.Event)
    _left: int = 0
    _answers: int = 0
    _speech: int = 0
    _quiet: int = 0

    async def serve(self, stream: trio.abc.Stream) -> None:
        """One call, until either side ends it."""
        self._left = self.greeting
        tick = trio.current_time()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read, stream, nursery.cancel_scope)
                while self._left > 0 or self._answers != self.hang_up_after_answers:
                    await trio.sleep_until(tick)
                    tick += 0.02
                    await stream.send_all(message(0x10, TONE if self._left > 0 else SILENCE))
                    self._left -= 1
                await stream.send_all(message(0x00, b""))
                await self.ended.wait()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            self.ended.set()

    async def _read(self, stream: trio.abc.Stream, call: trio.CancelScope) -> None:
        pending = b""
        async for data in stream:
            pending += data
            while len(pending) >= 3 and len(pending) >= 3 + (length := int.from_bytes(pending[1:3], "big")):
                self._take(pending[0], pending[3 : 3 + length])
                pending = pending[3 + length :]
        self.ended.set()
        call.cancel()

    def _take(self, kind: int, payload: bytes) -> None:
        self.heard.append((kind, payload))
        if kind == 0x10 and _peak(payload) > 64:
            self._speech, self._quiet = self._speech + 1, 0
        elif kind == 0x10:
            self._quiet += 1
        if (kind, payload) == (0x03, b"#") or (self._speech >= 3 and self._quiet == 10):
            self._speech, self._left, self._answers = 0, self.answer, self._answers + 1


def _peak(slin: bytes) -> int:
    return max(abs(int(sample)) for (sample,) in struct.iter_unpack("<h", slin))


@asynccontextmanager
async def open_peer(make_peer: Callable[[], Peer]) -> AsyncIterator[int]:
    """A port of loopback where each connection is served by a peer of its own."""

    async def serve(stream: trio.SocketStream) -> None:
        stream.setsockopt(trio.socket.IPPROTO_TCP, trio.socket.TCP_NODELAY, 1)
        await make_peer().serve(stream)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel("the test is over")
