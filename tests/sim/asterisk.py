"""A simulated Asterisk in virtual time: sends what a caller's phone would, keeps what it is sent, to the millisecond.

It is the `WirePort` of a leg: no socket, no thread. Speech is a loud buzz, silence is zeros."""

import math
import struct
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

import trio

from callengine.media.audio import FRAME_BYTES, FRAME_SAMPLES, SILENCE_FRAME
from tests.sim.wire import SentMessage


def _buzz(sample: int) -> int:
    """A voice's 150 Hz with its harmonics: the cheap detector takes a lasting pure tone for noise."""
    return round(3000 * sum(math.sin(2 * math.pi * 150 * n * sample / 8000) / n for n in range(1, 12)))


VOICE_FRAME = struct.pack(f"<{FRAME_SAMPLES}h", *map(_buzz, range(FRAME_SAMPLES)))  # three whole periods
FRAME_SECONDS = 0.02
FIRST_UUID = UUID(int=1)
HEADER = b"\x10\x01\x40"


@dataclass(slots=True)
class SimulatedAsterisk:
    """One call's far end. Feed it with `speak`, `press`, `hang_up`; read `sent`."""

    uuid: UUID = FIRST_UUID
    sent: list[SentMessage] = field(default_factory=list)
    closed_at: float | None = None
    fault: Exception | None = None  # what the next read of the wire raises
    _inbound: bytearray = field(default_factory=bytearray)
    _outbound: bytearray = field(default_factory=bytearray)
    _talk_until: float = -1.0
    _eof: bool = False
    raw: bytes = b""  # a message sent every 20 ms in place of slin
    on_frame: trio.Event = field(default_factory=trio.Event)

    def __post_init__(self) -> None:
        self._inbound += b"\x01\x00\x10" + self.uuid.bytes

    # The leg's side: callengine.media.port.WirePort

    def recv_nowait(self, buffer: memoryview) -> int:
        if self.fault is not None:
            raise self.fault
        if not self._inbound:
            return 0 if self._eof else -1
        count = min(len(buffer), len(self._inbound))
        buffer[:count] = self._inbound[:count]
        del self._inbound[:count]
        return count

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        if self.closed_at is not None:
            raise BrokenPipeError(32, "Broken pipe")
        self._outbound += data
        while len(self._outbound) >= 3:
            end = 3 + (self._outbound[1] << 8 | self._outbound[2])
            if len(self._outbound) < end:
                break
            self._take(self._outbound[0], bytes(self._outbound[3:end]))
            del self._outbound[:end]
        return len(data)

    def close(self) -> None:
        pass  # nothing of this wire outlives the play

    # The phone's side

    async def run(self) -> None:
        """Send a frame every 20 ms on an absolute schedule until the call is over."""
        due = trio.current_time()
        while self.closed_at is None:
            due += FRAME_SECONDS
            await trio.sleep_until(due)
            talking = due <= self._talk_until + 1e-9
            self._inbound += self.raw or HEADER + (VOICE_FRAME if talking else SILENCE_FRAME)

    def talk(self, seconds: float) -> None:
        """The caller speaks from now on for so long."""
        self._talk_until = trio.current_time() + seconds

    async def speak(self, seconds: float) -> None:
        """The caller speaks; returns when done."""
        self.talk(seconds)
        await trio.sleep(seconds)

    def press(self, digits: str) -> None:
        for digit in digits:
            self._inbound += b"\x03\x00\x01" + digit.encode()

    def hang_up(self) -> None:
        """The caller hangs up: Asterisk closes, without a message."""
        self._eof = True
        self.closed_at = trio.current_time()
        self.on_frame.set()

    async def agent_speaks(self) -> float:
        """Wait for the next frame of speech; returns when it came."""
        return await self._wait_for(True)

    async def agent_silent(self) -> float:
        """Wait for the next frame of silence."""
        return await self._wait_for(False)

    async def _wait_for(self, speech: bool) -> float:
        seen = len(self.sent)
        while True:
            for message in self.sent[seen:]:
                if message.kind == 0x10 and message.speech is speech:
                    return message.at
            seen = len(self.sent)
            assert self.closed_at is None, "the call is over"
            self.on_frame = trio.Event()
            await self.on_frame.wait()

    def _take(self, kind: int, payload: bytes) -> None:
        self.sent.append(SentMessage(trio.current_time(), kind, payload))
        self.on_frame.set()
        if kind == 0x00:
            self._eof = True  # Asterisk closes within a millisecond
            self.closed_at = trio.current_time()

    # What was heard

    def frames(self) -> list[SentMessage]:
        """The audio messages, in order."""
        assert all(message.kind in (0x00, 0x10) for message in self.sent), "a message that Asterisk rejects"
        assert all(len(message.payload) == FRAME_BYTES for message in self.sent if message.kind == 0x10)
        return [message for message in self.sent if message.kind == 0x10]

    def spacings(self) -> list[float]:
        """Seconds between consecutive frames."""
        times = [message.at for message in self.frames()]
        return [later - earlier for earlier, later in pairwise(times)]
