"""RTP packets (RFC 3550, section 5.1) and telephone events in them (RFC 4733, section 2.3). Pure."""

import struct
from dataclasses import dataclass

PCMA = 8  # RFC 3551, table 4
TELEPHONE_EVENT = 101  # dynamic; every PBX's habit
KEYS = "0123456789*#ABCD"  # a key's place is its event code (RFC 4733, table 3)

_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_VERSION = 0x80
_END = 0x80
_VOLUME = 10  # -10 dBm0


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet; timestamps count samples at 8 kHz."""

    payload_type: int
    sequence: int
    timestamp: int
    payload: bytes
    ssrc: int = 0
    marker: bool = False

    def encode(self) -> bytes:
        """Its bytes on the wire."""
        second = self.payload_type | (0x80 if self.marker else 0)
        return _HEADER.pack(_VERSION, second, self.sequence, self.timestamp, self.ssrc) + self.payload

    def follows(self, before: "Packet") -> bool:
        """Its audio begins where that of the one before ended."""
        return (self.timestamp - before.timestamp - len(before.payload)) % 2**32 == 0


def decode(datagram: bytes) -> Packet | None:
    """The packet of a datagram, or None where it is none that a phone plays: RTCP, STUN, something cut short.

    Contributing sources, an extension and padding are taken off (RFC 3550, sections 5.1 and 5.3.1)."""
    if len(datagram) < _HEADER.size or datagram[0] & 0xC0 != _VERSION:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
    if 72 <= second & 0x7F <= 76:  # RFC 5761, section 4: these would be RTCP
        return None
    begin = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(datagram) < begin + 4:
            return None
        begin += 4 + 4 * int.from_bytes(datagram[begin + 2 : begin + 4])
    end = len(datagram) - (datagram[-1] if first & 0x20 else 0)
    if begin > end:
        return None
    return Packet(second & 0x7F, sequence, timestamp, datagram[begin:end], ssrc, bool(second & 0x80))


def key_payload(key: str, duration: int, *, released: bool) -> bytes:
    """The payload of an event packet: a key of `KEYS`, held for `duration` samples so far."""
    return _EVENT.pack(KEYS.index(key), (_END if released else 0) | _VOLUME, min(duration, 0xFFFF))
