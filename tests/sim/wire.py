"""A wire in memory: a leg's far end for tests of the clock and the wire, with a socket buffer that can be full.

Unlike `tests.sim.asterisk` it takes nothing by itself: a test decides what is read, when, and how it fails."""

from collections.abc import Callable
from dataclasses import dataclass, field

import trio

HEADER_BYTES = 3


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message the engine sent: when its last byte was taken, its kind and payload."""

    at: float
    kind: int
    payload: bytes

    @property
    def speech(self) -> bool:
        """Audio that is not silence."""
        return self.kind == 0x10 and bool(self.payload.strip(b"\0"))


@dataclass(slots=True)
class MemoryWire:
    """A `WirePort`. Set `room` to the bytes a full socket still takes, `fault` to what a send or receive raises."""

    room: int | None = None  # None: without limit
    fault: Exception | None = None
    send_fault: OSError | None = None  # what a send alone raises
    on_send: Callable[[], None] | None = None  # what a send does besides, such as taking its time
    on_receive: Callable[[], None] | None = None  # and a receive
    closed: bool = False
    taken: list[tuple[float, bytes]] = field(default_factory=list)  # every write: when, and what was taken of it
    _inbound: bytearray = field(default_factory=bytearray)
    _eof: bool = False

    # The leg's side: callengine.media.port.WirePort

    def recv_nowait(self, buffer: memoryview) -> int:
        self._check()
        if self.on_receive is not None:
            self.on_receive()
        if not self._inbound:
            return 0 if self._eof else -1
        count = min(len(buffer), len(self._inbound))
        buffer[:count] = self._inbound[:count]
        del self._inbound[:count]
        return count

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        self._check()
        if self.send_fault is not None:
            raise self.send_fault
        if self.on_send is not None:
            self.on_send()
        count = len(data) if self.room is None else min(self.room, len(data))
        if self.room is not None:
            self.room -= count
        if count:
            self.taken.append((trio.current_time(), bytes(data[:count])))
        return count

    def close(self) -> None:
        self.closed = True

    # The test's side

    def feed(self, data: bytes) -> None:
        """Bytes from the peer."""
        self._inbound += data

    def end(self) -> None:
        """The peer closes: the end of stream follows what it has sent."""
        self._eof = True

    @property
    def waiting(self) -> int:
        """Bytes the leg has not read yet."""
        return len(self._inbound)

    def messages(self) -> list[SentMessage]:
        """The whole messages sent so far, in order; a part of one at the end is left out."""
        found: list[SentMessage] = []
        pending = bytearray()
        for at, data in self.taken:
            pending += data
            while len(pending) >= HEADER_BYTES:
                end = HEADER_BYTES + (pending[1] << 8 | pending[2])
                if len(pending) < end:
                    break
                found.append(SentMessage(at, pending[0], bytes(pending[HEADER_BYTES:end])))
                del pending[:end]
        return found

    def _check(self) -> None:
        if self.closed:
            raise OSError(9, "Bad file descriptor")
        if self.fault is not None:
            raise self.fault
