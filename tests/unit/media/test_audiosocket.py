"""The codec: any cut of the stream gives the same messages, garbage has one error, and nothing unfit is ever sent."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.errors import LocalProtocolError, RemoteProtocolError
from callengine.media.audiosocket import (
    HANGUP,
    HEADER_BYTES,
    KIND_OF_RATE,
    RATE_OF_KIND,
    Audio,
    Decoder,
    Digit,
    Identify,
    Message,
    encode_audio,
)
from tests.strategies import Packed, almost_messages, chunked, messages, packed, slin


def drain(decoder: Decoder) -> list[Message]:
    found = []
    while (message := decoder.next_message()) is not None:
        found.append(message)
    return found


@given(st.data(), st.lists(messages(), max_size=6))
def test_any_chunking_gives_the_same_messages(data: st.DataObject, pairs: list[Packed]) -> None:
    raw = b"".join(pair[0] for pair in pairs)
    decoder, found = Decoder(), []
    for chunk in data.draw(chunked(raw)):
        decoder.feed(chunk)
        found += drain(decoder)
    assert found == [pair[1] for pair in pairs]
    assert decoder.empty


@given(slin(min_samples=1), st.sampled_from(sorted(KIND_OF_RATE)))
def test_what_is_encoded_decodes_to_itself(audio: bytes, rate: int) -> None:
    decoder = Decoder()
    decoder.feed(encode_audio(audio, rate))
    assert drain(decoder) == [Audio(rate, audio)]


@given(st.binary(max_size=700), st.one_of(st.sampled_from(sorted(KIND_OF_RATE)), st.integers(-1, 200_000)))
def test_only_what_asterisk_takes_is_encoded(payload: bytes, rate: int) -> None:
    """Kind 0x10 to 0x18, never empty, whole samples: anything else ends the call or is garbled (res_audiosocket.c)."""
    try:
        message = encode_audio(payload, rate)
    except LocalProtocolError:
        assert not payload or len(payload) % 2 or rate not in KIND_OF_RATE
        return
    assert RATE_OF_KIND[message[0]] == rate
    assert int.from_bytes(message[1:3], "big") == len(payload) == len(message) - HEADER_BYTES
    assert payload
    assert len(payload) % 2 == 0


@pytest.mark.parametrize("length", [0, 1, 321, 65535, 65536, 70000])
def test_a_payload_asterisk_rejects_is_our_error(length: int) -> None:
    with pytest.raises(LocalProtocolError):
        encode_audio(bytes(length))


def test_the_longest_payload_fits_its_header() -> None:
    assert encode_audio(bytes(65534))[:3] == b"\x10\xff\xfe"


@given(st.data(), almost_messages())
def test_garbage_raises_one_error_and_keeps_little(data: st.DataObject, raw: bytes) -> None:
    decoder, found = Decoder(), None
    for chunk in data.draw(chunked(raw)):
        decoder.feed(chunk)
        try:
            drain(decoder)
        except RemoteProtocolError as error:
            found = error
            break
        # whatever waits is one unfinished message of a known kind
        assert len(decoder._buffer) < HEADER_BYTES + 0xFFFF
    if found is not None:
        assert found.reason in {"unknown_kind", "oversize", "bad_uuid", "bad_digit"}
        assert "\n" not in str(found)


@pytest.mark.parametrize(("kind", "rate"), sorted(RATE_OF_KIND.items()))
def test_every_kind_has_its_rate_and_a_limit(kind: int, rate: int) -> None:
    frame = bytes(rate // 50 * 2)
    decoder = Decoder()
    decoder.feed(packed(kind, frame))
    assert drain(decoder) == [Audio(rate, frame)]
    limit = int(rate * 0.2) * 2
    if limit < 0xFFFF:
        decoder.feed(kind.to_bytes(1, "big") + (limit + 1).to_bytes(2, "big"))
        with pytest.raises(RemoteProtocolError) as caught:
            decoder.next_message()
        assert caught.value.reason == "oversize"


@pytest.mark.parametrize("kind", sorted(set(range(256)) - set(RATE_OF_KIND) - {0x00, 0x01, 0x02, 0x03, 0xFF}))
def test_an_unknown_kind_is_refused_at_its_first_byte(kind: int) -> None:
    decoder = Decoder()
    decoder.feed(bytes((kind,)))
    with pytest.raises(RemoteProtocolError) as caught:
        decoder.next_message()
    assert caught.value.reason == "unknown_kind"
    assert f"0x{kind:02x}" in str(caught.value)


@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.1", b"POST /api", b"HEAD /", b"DELETE /x", b"OPTIONS *"])
def test_http_on_the_wrong_port_is_named(request_line: bytes) -> None:
    decoder = Decoder()
    decoder.feed(request_line)
    with pytest.raises(RemoteProtocolError, match="API_PORT"):
        decoder.next_message()


@pytest.mark.parametrize("raw", [b"", b"\x00" * 15, b"\x00" * 17])
def test_a_uuid_of_another_length_is_refused(raw: bytes) -> None:
    decoder = Decoder()
    decoder.feed(packed(0x01, raw))
    with pytest.raises(RemoteProtocolError) as caught:
        decoder.next_message()
    assert caught.value.reason == "bad_uuid"


@pytest.mark.parametrize("raw", [b"", b"12", b"E", b"\x00", b"\xff"])
def test_what_is_no_key_is_refused(raw: bytes) -> None:
    decoder = Decoder()
    decoder.feed(packed(0x03, raw))
    with pytest.raises(RemoteProtocolError) as caught:
        decoder.next_message()
    assert caught.value.reason == "bad_digit"


@pytest.mark.parametrize("key", "abcd")
def test_keys_of_a_sip_info_in_small_letters(key: str) -> None:
    """res_pjsip_dtmf_info.c lets `a` to `d` pass as they came; the call must not end by it."""
    decoder = Decoder()
    decoder.feed(packed(0x03, key.encode()))
    assert drain(decoder) == [Digit(key.upper())]


def test_the_uuid_is_big_endian() -> None:
    uuid = UUID("01c84651-7900-4077-8710-774565156d67")
    decoder = Decoder()
    decoder.feed(b"\x01\x00\x10" + bytes.fromhex("01c8465179004077871077456515" + "6d67"))
    assert drain(decoder) == [Identify(uuid)]


def test_a_hang_up_is_three_zero_bytes() -> None:
    assert HANGUP == b"\x00\x00\x00"
