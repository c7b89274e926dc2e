"""The PROXY protocol's header: what HAProxy writes is read, anything else has one error, and nothing else happens."""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.errors import RemoteProtocolError
from callengine.media.proxy_protocol import HEAD_BYTES, MAX_BYTES, SIGNATURE, Address, rest_bytes, source_of
from tests.proxy_headers import header

# As HAProxy 3.2.26 wrote it (send-proxy-v2) for a connection from 127.0.0.1:54116 to 127.0.0.1:19092.
CAPTURED = bytes.fromhex("0d0a0d0a000d0a515549540a 2111000c 7f000001 7f000001 d364 4a94")
ADDRESSES = st.ip_addresses()


def read(raw: bytes) -> Address | None:
    """As it is read from a socket: the head, and then as much as it says."""
    head = raw[:HEAD_BYTES]
    return source_of(head, raw[HEAD_BYTES : HEAD_BYTES + rest_bytes(head)])


def test_what_haproxy_writes() -> None:
    assert read(CAPTURED) == IPv4Address("127.0.0.1")


@given(ADDRESSES, st.binary(max_size=MAX_BYTES - HEAD_BYTES - 36))
def test_the_source_is_found_whatever_follows_it(source: Address, more: bytes) -> None:
    assert read(header(source, more)) == source


@pytest.mark.parametrize(("command", "family"), [(0x20, 0x00), (0x20, 0x11), (0x21, 0x00)])
def test_a_balancer_speaks_for_itself(command: int, family: int) -> None:
    assert read(SIGNATURE + bytes((command, family, 0, 0))) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"PROXY TCP4 10.0.0.1 10.0.0.2 4000 9092\r\n",  # version 1
        b"\x01\x00\x10" + bytes(16),  # AudioSocket without a header
        CAPTURED[:11] + b"X" + CAPTURED[12:],
        SIGNATURE + b"\x11\x11\x00\x0c" + bytes(12),  # version 1 in version 2's clothes
        SIGNATURE + b"\x22\x11\x00\x0c" + bytes(12),  # neither LOCAL nor PROXY
        SIGNATURE + b"\x21\x12\x00\x0c" + bytes(12),  # UDP
        SIGNATURE + b"\x21\x31\x00\xd8" + bytes(216),  # a UNIX socket
        SIGNATURE + b"\x21\x11\x00\x0b" + bytes(11),
        SIGNATURE + b"\x21\x21\x00\x23" + bytes(35),
        SIGNATURE + b"\x21\x11\x02\x09" + bytes(521),  # longer than the smallest segment
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
def test_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        read(raw)
    assert refused.value.reason == "proxy_header"


@given(st.binary(min_size=HEAD_BYTES, max_size=2 * MAX_BYTES))
def test_no_bytes_do_anything_but_be_refused(raw: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read(raw)


@given(st.binary(min_size=4, max_size=4), st.binary(max_size=MAX_BYTES))
def test_behind_the_signature_there_is_an_address_or_one_error(head: bytes, rest: bytes) -> None:
    with suppress(RemoteProtocolError):
        assert isinstance(read(SIGNATURE + head + rest), IPv4Address | IPv6Address | None)


@given(st.binary(min_size=4, max_size=4))
def test_never_is_more_asked_for_than_a_segment_holds(head: bytes) -> None:
    with suppress(RemoteProtocolError):
        assert 0 <= rest_bytes(SIGNATURE + head) <= MAX_BYTES - HEAD_BYTES


def test_the_headers_of_the_tests_are_haproxy_s() -> None:
    assert header(ip_address("127.0.0.1"), ports=(54116, 19092)) == CAPTURED
