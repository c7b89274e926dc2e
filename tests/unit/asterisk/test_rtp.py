"""RTP packets: written, read again, and what is none."""

from hypothesis import given
from hypothesis import strategies as st

from tests.asterisk.rtp import PCMA, Packet, decode, key_payload

packets = st.builds(
    Packet,
    payload_type=st.sampled_from([0, PCMA, 101]),
    sequence=st.integers(0, 2**16 - 1),
    timestamp=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=240),
    ssrc=st.integers(0, 2**32 - 1),
    marker=st.booleans(),
)


@given(packets)
def test_a_packet_is_read_as_it_was_written(packet: Packet) -> None:
    assert decode(packet.encode()) == packet


@given(st.binary(max_size=40))
def test_any_datagram_is_a_packet_or_none(datagram: bytes) -> None:
    packet = decode(datagram)
    assert packet is None or datagram[0] >> 6 == 2


def test_what_stands_around_the_payload_is_taken_off() -> None:
    header = bytes([0x80 | 0x20 | 0x10 | 1, PCMA, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3])
    source, extension, padding = b"SRC1", b"\xbe\xde\x00\x01abcd", b"\x00\x00\x03"
    assert decode(header + source + extension + b"payload" + padding) == Packet(PCMA, 1, 2, b"payload", 3)


def test_rtcp_is_no_audio() -> None:
    assert decode(bytes([0x80, 200, 0, 6]) + bytes(24)) is None


def test_timestamps_go_round() -> None:
    assert Packet(PCMA, 2, 60, bytes(160)).follows(Packet(PCMA, 1, 2**32 - 100, bytes(160)))
    assert not Packet(PCMA, 2, 61, bytes(160)).follows(Packet(PCMA, 1, 2**32 - 100, bytes(160)))


def test_a_key_held_and_released() -> None:
    assert key_payload("#", 160, released=False) == bytes([11, 10, 0, 160])
    assert key_payload("#", 320, released=True) == bytes([11, 0x8A, 1, 64])
