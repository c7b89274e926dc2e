"""Asterisk's side of AudioSocket, without I/O: what it sends, and how strictly it reads what a server sends.

The rules are those of Asterisk's res/res_audiosocket.c (20.20 and 22.10): a message other than a hang-up or audio ends
the call, so does an empty audio message; a server that closes between two messages has hung up cleanly, one that
closes inside a message has not. The engine's own codec cannot produce 0x01 and 0x03; this one produces nothing else
but them and audio.
"""

import struct
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

SAMPLE_RATE = 8000
FRAME_SAMPLES = 160
FRAME_BYTES = 2 * FRAME_SAMPLES
FRAME_SECONDS = 0.02

KIND_HANGUP = 0x00
KIND_UUID = 0x01
KIND_DTMF = 0x03
KIND_AUDIO = 0x10
AUDIO_RATES = dict(zip(range(0x10, 0x19), (8000, 12000, 16000, 24000, 32000, 44100, 48000, 96000, 192000), strict=True))
DIGITS = frozenset("0123456789*#ABCD")
# A-law silence, which a telephone line carries, decodes to +8 and never to 0.
LINE_SILENCE = struct.pack("<h", 8) * FRAME_SAMPLES

_HEADER = struct.Struct("!BH")

DropReason = Literal[
    "not_audio",  # "Received AudioSocket message other than hangup or audio"
    "empty_audio",  # "Invalid message length received from AudioSocket server"
    "cut_message",  # "Insufficient payload read from AudioSocket server"
    "late_payload",  # "Poll timed out while waiting for data"
    "write_blocked",  # one non-blocking write(); a short one or EAGAIN
    "idle",  # "Reached timeout after 2000 ms of no activity"
    "reset",  # read or write error
    "not_connected",  # refused, unreachable, or no answer in 2 s
]


@dataclass(frozen=True, slots=True)
class Audio:
    """One audio message: `slin` (16-bit little-endian mono) at `rate` samples a second, of any length."""

    rate: int
    slin: bytes


@dataclass(frozen=True, slots=True)
class HungUp:
    """The server ended the call in a way Asterisk takes for clean: 0x00, or a close between two messages."""

    by_close: bool = False


@dataclass(frozen=True, slots=True)
class Dropped:
    """The server did what makes Asterisk drop the call."""

    reason: DropReason
    detail: str = ""


Ending = HungUp | Dropped
Message = Audio | HungUp | Dropped


def encode_uuid(call_id: UUID) -> bytes:
    """The first message of a call: 16 bytes, big-endian."""
    return _HEADER.pack(KIND_UUID, 16) + call_id.bytes


def encode_audio(slin: bytes) -> bytes:
    """One message of 8 kHz slin, at most 65,535 bytes. Raises ValueError for none, and for half a sample."""
    if not slin or len(slin) % 2:
        raise ValueError(f"audio of {len(slin)} bytes: whole 16-bit samples are needed, and at least one")
    return _HEADER.pack(KIND_AUDIO, len(slin)) + slin


def encode_digit(digit: str) -> bytes:
    """A released key: one of 0-9 * # A-D. Raises ValueError for another."""
    if digit not in DIGITS:
        raise ValueError(f"{digit!r} is not a telephone key: 0-9 * # A-D are")
    return _HEADER.pack(KIND_DTMF, 1) + digit.encode("ascii")


class ServerMessages:
    """What a server's bytes mean, however they were cut. Nothing follows a HungUp or a Dropped."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._over = False

    @property
    def awaits_payload(self) -> bool:
        """True inside a message whose header is complete: Asterisk then waits 5 ms for more, and no longer."""
        return not self._over and len(self._pending) >= _HEADER.size

    @property
    def empty(self) -> bool:
        """True between two messages."""
        return not self._pending

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes, in order."""
        self._pending += data
        messages: list[Message] = []
        while not self._over and (message := self._next()) is not None:
            messages.append(message)
            self._over = not isinstance(message, Audio)
        return messages

    def close(self) -> Ending | None:
        """What the server's end of stream means here; None after an ending."""
        if self._over:
            return None
        self._over = True
        if self._pending:
            return Dropped("cut_message", f"{len(self._pending)} bytes of a message, then the end")
        return HungUp(by_close=True)

    def _next(self) -> Message | None:
        if len(self._pending) < _HEADER.size:
            return None
        kind, length = _HEADER.unpack_from(self._pending)
        if kind == KIND_HANGUP:
            return HungUp()
        rate = AUDIO_RATES.get(kind)
        if rate is None:
            return Dropped("not_audio", f"kind 0x{kind:02x}, length {length}")
        if length == 0:
            return Dropped("empty_audio", f"kind 0x{kind:02x}")
        end = _HEADER.size + length
        if len(self._pending) < end:
            return None
        # Half a sample at the end is dropped, as Asterisk does.
        slin = bytes(self._pending[_HEADER.size : end - length % 2])
        del self._pending[:end]
        return Audio(rate, slin)
