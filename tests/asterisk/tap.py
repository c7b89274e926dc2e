"""A tap on the line between Asterisk and an engine: passes every byte on, and notes when the engine's audio went by."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
import trio

from tests.asterisk.alaw import Samples

HEADER_BYTES = 3  # AudioSocket: type, length of the payload (res_audiosocket.c)
AUDIO = 0x10


@dataclass(slots=True)
class Tap:
    """What the engine has written, in whole messages of 8 kHz, and when each was complete here."""

    frames: list[Samples] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    _rest: bytes = b""

    @property
    def samples(self) -> Samples:
        """All of it, one behind the other."""
        return np.concatenate([*self.frames, np.zeros(0, np.int16)])

    def feed(self, data: bytes) -> None:
        """Note what goes by."""
        self._rest += data
        while len(self._rest) >= HEADER_BYTES:
            end = HEADER_BYTES + int.from_bytes(self._rest[1:HEADER_BYTES])
            if len(self._rest) < end:
                return
            if self._rest[0] == AUDIO:
                self.frames.append(np.frombuffer(self._rest[HEADER_BYTES:end], "<i2"))
                self.times.append(trio.current_time())
            self._rest = self._rest[end:]


@asynccontextmanager
async def open_tap(port: int, engine_port: int) -> AsyncIterator[Tap]:
    """Listen on loopback where Asterisk looks for its engine, for one call; `engine_port` is where the engine is."""
    tap = Tap()

    async def join(asterisk: trio.SocketStream) -> None:
        async with await trio.open_tcp_stream("127.0.0.1", engine_port) as engine, trio.open_nursery() as both:
            both.start_soon(_pass_on, asterisk, engine)
            async for data in engine:
                tap.feed(bytes(data))
                await asterisk.send_all(data)
            both.cancel_scope.cancel("the engine has closed")

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
        await nursery.start(trio.serve_listeners, join, listeners)
        yield tap
        nursery.cancel_scope.cancel("the tap is taken off")


async def _pass_on(source: trio.SocketStream, sink: trio.SocketStream) -> None:
    async for data in source:
        await sink.send_all(data)
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):  # a caller's end may meet the engine's
        await sink.send_eof()
