"""Records in a file that may have been cut or damaged anywhere: each proves itself whole, and is found again behind
what is not. Pure."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

# 0xFF is in no UTF-8 text (RFC 3629, 3), so no payload of ours looks like the start of a record.
MAGIC = b"\xffCE\x01"
_LENGTH = struct.Struct(">I")
_HEADER = struct.Struct(">4sII")  # MAGIC, the payload's length in bytes, CRC-32 of that length and the payload


@dataclass(frozen=True, slots=True)
class Found:
    """A whole record: its payload, how many bytes before it are no record, and where it ends."""

    payload: bytes
    skipped: int
    end: int


def framed(payload: bytes) -> bytes:
    """A payload as a record."""
    return _HEADER.pack(MAGIC, len(payload), _sum_of(payload)) + payload


def next_record(data: bytes, offset: int) -> Found | None:
    """The first whole record at or behind `offset`; None where there is none."""
    start = data.find(MAGIC, offset)
    while start >= 0:
        payload = _payload_at(data, start)
        if payload is not None:
            return Found(payload, start - offset, start + _HEADER.size + len(payload))
        start = data.find(MAGIC, start + 1)
    return None


def all_records(data: bytes) -> Iterator[Found]:
    """Every whole record, in order."""
    found = next_record(data, 0)
    while found is not None:
        yield found
        found = next_record(data, found.end)


def _payload_at(data: bytes, start: int) -> bytes | None:
    if len(data) - start < _HEADER.size:
        return None
    _, length, checksum = _HEADER.unpack_from(data, start)
    begin = start + _HEADER.size
    if len(data) - begin < length:
        return None
    payload = data[begin : begin + length]
    return payload if _sum_of(payload) == checksum else None


def _sum_of(payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(_LENGTH.pack(len(payload))))
