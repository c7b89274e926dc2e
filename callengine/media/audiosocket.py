"""AudioSocket on the wire, without I/O: bytes in, messages out; and the only two messages a server may send.

A message is `kind (1 byte) | length (2 bytes, big-endian) | payload`; audio is slin, 16-bit signed little-endian mono.
Source: Asterisk's include/asterisk/res_audiosocket.h (`enum ast_audiosocket_msg_kind`) and res/res_audiosocket.c
(`ast_audiosocket_receive_frame_with_hangup`: any server message but hang-up and non-empty audio ends the call)."""

from dataclasses import dataclass
from uuid import UUID

from callengine.errors import LocalProtocolError, RemoteProtocolError

HEADER_BYTES = 3
KIND_HANGUP = 0x00
KIND_UUID = 0x01
KIND_SILENCE = 0x02
KIND_DIGIT = 0x03
KIND_ERROR = 0xFF
RATE_OF_KIND = {
    0x10: 8000,
    0x11: 12000,
    0x12: 16000,
    0x13: 24000,
    0x14: 32000,
    0x15: 44100,
    0x16: 48000,
    0x17: 96000,
    0x18: 192000,
}
KIND_OF_RATE = {rate: kind for kind, rate in RATE_OF_KIND.items()}
DIGITS = frozenset(b"0123456789*#ABCDabcd")  # small letters: res_pjsip_dtmf_info.c passes them on as they came
# The longest packet time in telephony is 150 ms (RFC 3551 allows up to 200); 20 ms is the rule.
MAX_AUDIO_SECONDS = 0.2
MAX_CONTROL_BYTES = 64
HANGUP = b"\x00\x00\x00"


@dataclass(frozen=True, slots=True)
class Identify:
    """The first message of a connection: which call this is."""

    uuid: UUID


@dataclass(frozen=True, slots=True)
class Audio:
    """The caller's audio: an even number of bytes of slin at `rate` hertz, possibly none."""

    rate: int
    slin: bytes


@dataclass(frozen=True, slots=True)
class Digit:
    """A key of the caller's phone, at its release (Asterisk 20.14 and later)."""

    digit: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """The peer ends the call. Asterisk itself never sends it: it closes."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Kind 0x02 of the Go library; Asterisk does not send it."""


@dataclass(frozen=True, slots=True)
class PeerError:
    """Kind 0xff: documented, not sent by current Asterisk. `code` is 0 where none came."""

    code: int


Message = Identify | Audio | Digit | Hangup | Silence | PeerError


class Decoder:
    """Messages from a byte stream cut anywhere. Holds at most one unfinished message, itself bounded by its kind."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def empty(self) -> bool:
        """No unfinished message waits: the next byte begins one."""
        return not self._buffer

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes as they came."""
        self._buffer += data

    def next_message(self) -> Message | None:
        """The next whole message, or None until more bytes come.

        Raises:
            RemoteProtocolError: the bytes are not AudioSocket; the connection is of no further use.
        """
        buffer = self._buffer
        if len(buffer) < HEADER_BYTES:
            if buffer:
                _limit_of(buffer[0])
            return None
        kind = buffer[0]
        length = buffer[1] << 8 | buffer[2]
        if length > _limit_of(kind):
            raise RemoteProtocolError("oversize", f"a message of kind 0x{kind:02x} with {length} bytes")
        end = HEADER_BYTES + length
        if len(buffer) < end:
            return None
        payload = bytes(buffer[HEADER_BYTES:end])
        del buffer[:end]
        return _parse(kind, payload)


def encode_audio(slin: bytes | bytearray | memoryview, rate: int = 8000) -> bytes:
    """One audio message for Asterisk. Raises LocalProtocolError for what Asterisk would reject or garble."""
    kind = KIND_OF_RATE.get(rate)
    if kind is None:
        raise LocalProtocolError(f"AudioSocket has no kind for {rate} Hz")
    length = len(slin)
    if not length or length % 2 or length > 0xFFFE:
        raise LocalProtocolError(f"an audio payload of {length} bytes (it must be even, 2 to 65534)")
    return bytes((kind, length >> 8, length & 0xFF)) + slin


def _limit_of(kind: int) -> int:
    """The largest payload taken for a kind. Raises RemoteProtocolError for a kind that is none."""
    rate = RATE_OF_KIND.get(kind)
    if rate is not None:
        return int(rate * MAX_AUDIO_SECONDS) * 2
    if kind in (KIND_HANGUP, KIND_UUID, KIND_SILENCE, KIND_DIGIT, KIND_ERROR):
        return MAX_CONTROL_BYTES
    hint = " (an HTTP request? HTTP is served on API_PORT)" if kind in b"GPHDOC" else ""
    raise RemoteProtocolError("unknown_kind", f"a message of unknown kind 0x{kind:02x}{hint}")


def _parse(kind: int, payload: bytes) -> Message:
    rate = RATE_OF_KIND.get(kind)
    if rate is not None:
        # Asterisk drops the odd last byte of a payload; so do we.
        return Audio(rate, payload if len(payload) % 2 == 0 else payload[:-1])
    if kind == KIND_UUID:
        if len(payload) != 16:
            raise RemoteProtocolError("bad_uuid", f"a UUID of {len(payload)} bytes instead of 16")
        return Identify(UUID(bytes=payload))
    if kind == KIND_DIGIT:
        if len(payload) != 1 or payload[0] not in DIGITS:
            raise RemoteProtocolError("bad_digit", f"a DTMF message with {len(payload)} bytes that is no key")
        return Digit(payload.decode("ascii").upper())
    if kind == KIND_ERROR:
        return PeerError(payload[0] if payload else 0)
    return Hangup() if kind == KIND_HANGUP else Silence()
