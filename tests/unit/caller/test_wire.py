"""Asterisk's side of the wire: any cutting of the server's bytes means the same, and the rules are Asterisk's."""

import struct
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.caller import wire
from callengine.caller.wire import Audio, Dropped, HungUp, Message, ServerMessages

audio = st.tuples(st.sampled_from(sorted(wire.AUDIO_RATES)), st.binary(min_size=1, max_size=700))
anything = st.tuples(st.integers(0, 255), st.binary(max_size=400))


def encoded(kind: int, payload: bytes) -> bytes:
    return struct.pack("!BH", kind, len(payload)) + payload


def decode(pieces: list[bytes]) -> list[Message]:
    messages = ServerMessages()
    found = [message for piece in pieces for message in messages.feed(piece)]
    ending = messages.close()
    return found + ([ending] if ending else [])


@given(st.lists(st.one_of(audio, anything), max_size=8), st.binary(max_size=5), st.data())
def test_any_cutting_gives_the_same_messages(sent: list[tuple[int, bytes]], rest: bytes, data: st.DataObject) -> None:
    stream = b"".join(encoded(kind, payload) for kind, payload in sent) + rest
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    edges = [0, *cuts, len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    whole = decode([stream])
    assert decode(pieces) == whole
    assert isinstance(whole[-1], HungUp | Dropped), "every stream has an end"
    assert all(isinstance(message, Audio) for message in whole[:-1]), "and nothing follows it"


@given(st.lists(audio, max_size=6))
def test_audio_of_every_rate_is_heard_without_half_samples(sent: list[tuple[int, bytes]]) -> None:
    heard = decode([b"".join(encoded(kind, payload) for kind, payload in sent)])
    expected = [Audio(wire.AUDIO_RATES[kind], payload[: len(payload) // 2 * 2]) for kind, payload in sent]
    assert heard == [*expected, HungUp(by_close=True)]


@pytest.mark.parametrize("kind", sorted(set(range(256)) - {0} - set(wire.AUDIO_RATES)))
def test_what_is_neither_audio_nor_hangup_drops_the_call(kind: int) -> None:
    (message,) = ServerMessages().feed(encoded(kind, b"1"))
    assert isinstance(message, Dropped)
    assert message.reason == "not_audio"


def test_the_header_alone_is_enough_to_drop() -> None:
    (message,) = ServerMessages().feed(b"\xff\x00\x05")
    assert isinstance(message, Dropped)


def test_empty_audio_drops_the_call() -> None:
    (message,) = ServerMessages().feed(b"\x10\x00\x00")
    assert isinstance(message, Dropped)
    assert message.reason == "empty_audio"


@pytest.mark.parametrize(
    ("data", "ending"),
    [
        (b"", HungUp(by_close=True)),
        (b"\x00\x00\x00", HungUp()),
        (b"\x00\x00\x07", HungUp()),
        (b"\x00\x00\x00\x10\x00", HungUp()),
        (b"\x10\x01", Dropped("cut_message", "2 bytes of a message, then the end")),
        (b"\x10\x01\x40abc", Dropped("cut_message", "6 bytes of a message, then the end")),
    ],
)
def test_endings(data: bytes, ending: Message) -> None:
    assert decode([data]) == [ending]


def test_only_an_open_payload_has_a_deadline() -> None:
    messages = ServerMessages()
    states = []
    for piece in (b"\x10\x00", b"\x04", b"ab", b"cd"):
        messages.feed(piece)
        states.append((messages.awaits_payload, messages.empty))
    assert states == [(False, False), (True, False), (True, False), (False, True)]


def test_what_asterisk_sends() -> None:
    call_id = UUID("01c84651-7900-4077-8710-774565156d67")
    assert wire.encode_uuid(call_id) == b"\x01\x00\x10" + call_id.bytes
    assert wire.encode_digit("#") == b"\x03\x00\x01#"
    assert wire.encode_audio(b"\x01\x02") == b"\x10\x00\x02\x01\x02"
    assert len(wire.encode_audio(wire.LINE_SILENCE)) == 323
    assert set(struct.unpack("<160h", wire.LINE_SILENCE)) == {8}


@pytest.mark.parametrize("slin", [b"", b"abc"])
def test_audio_that_is_no_audio_is_not_sent(slin: bytes) -> None:
    with pytest.raises(ValueError, match="samples"):
        wire.encode_audio(slin)


@pytest.mark.parametrize("digit", ["", "E", "12", "a", "٣"])
def test_what_is_no_key_is_not_sent(digit: str) -> None:
    with pytest.raises(ValueError, match="telephone key"):
        wire.encode_digit(digit)
