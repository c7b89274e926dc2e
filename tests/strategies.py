"""Hypothesis strategies shared by the suites: AudioSocket messages as bytes, streams cut anywhere, slin.

The bytes are put together by hand from Asterisk's header, not by the engine's encoder: the two check each other."""

from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

from hypothesis import strategies as st

from callengine.media.audiosocket import (
    DIGITS,
    MAX_AUDIO_SECONDS,
    RATE_OF_KIND,
    Audio,
    Digit,
    Hangup,
    Identify,
    Message,
    PeerError,
    Silence,
)

Packed = tuple[bytes, Message]  # a message's bytes, and what they mean


def packed(kind: int, payload: bytes) -> bytes:
    """One message as the C code writes it."""
    return kind.to_bytes(1, "big") + len(payload).to_bytes(2, "big") + payload


def slin(max_samples: int = 400, min_samples: int = 0) -> st.SearchStrategy[bytes]:
    """Any samples."""
    counts = st.integers(min_samples, max_samples)
    return counts.flatmap(lambda count: st.binary(min_size=2 * count, max_size=2 * count))


def audio_messages() -> st.SearchStrategy[Packed]:
    """Audio of every kind, up to the longest packet taken, now and then with the odd last byte Asterisk drops."""

    def build(kind: int, size: float, odd: bool, fill: int) -> Packed:
        rate = RATE_OF_KIND[kind]
        limit = min(int(rate * MAX_AUDIO_SECONDS) * 2, 0xFFFF)
        length = min(int(size * (limit // 2)) * 2 + odd, limit)
        payload = bytes((fill + n) % 256 for n in range(min(length, 64))).ljust(length, b"\x5a")
        return packed(kind, payload), Audio(rate, payload[: length - length % 2])

    sizes = st.one_of(st.floats(0.0, 0.1), st.sampled_from((0.0, 0.1, 0.15, 1.0)))
    return st.builds(build, st.sampled_from(sorted(RATE_OF_KIND)), sizes, st.booleans(), st.integers(0, 255))


def control_messages() -> st.SearchStrategy[Packed]:
    """Every message that is not audio."""
    uuids = st.binary(min_size=16, max_size=16).map(lambda raw: (packed(0x01, raw), Identify(UUID(bytes=raw))))
    digits = st.sampled_from(sorted(DIGITS)).map(lambda key: (packed(0x03, bytes((key,))), Digit(chr(key).upper())))
    errors = st.binary(max_size=4).map(lambda raw: (packed(0xFF, raw), PeerError(raw[0] if raw else 0)))
    plain = st.sampled_from([(packed(0x00, b""), Hangup()), (packed(0x02, b""), Silence())])
    return st.one_of(uuids, digits, errors, plain)


def messages() -> st.SearchStrategy[Packed]:
    """Any message a peer may send, with its meaning."""
    return st.one_of(audio_messages(), control_messages())


@st.composite
def chunked(draw: st.DrawFn, data: bytes) -> Sequence[bytes]:
    """`data` cut anywhere, as TCP may: joined, the chunks are `data`; none is empty."""
    if not data:
        return []
    cuts = draw(st.lists(st.integers(1, len(data)), max_size=24))
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    return [data[begin:end] for begin, end in pairwise(edges)]


def almost_messages() -> st.SearchStrategy[bytes]:
    """Garbage that looks like AudioSocket for a while: real messages, random bytes, a real kind with any length."""
    headers = st.tuples(st.sampled_from([0, 1, 2, 3, 0x10, 0x12, 0x18, 0xFF]), st.binary(min_size=2, max_size=2))
    pieces = st.one_of(
        messages().map(lambda pair: pair[0]),
        st.binary(max_size=40),
        headers.map(lambda pair: bytes((pair[0],)) + pair[1]),
        st.just(b"GET / HTTP/1.1\r\n"),
    )
    return st.lists(pieces, max_size=8).map(b"".join)
