"""The strategies themselves: a mistake in them would make the suites test nothing."""

from hypothesis import find, given
from hypothesis import strategies as st

from tests.strategies import audio_messages, chunked, messages


@given(st.data(), st.binary(max_size=200))
def test_chunks_are_the_data(data: st.DataObject, raw: bytes) -> None:
    chunks = data.draw(chunked(raw))
    assert b"".join(chunks) == raw
    assert all(chunks)


@given(messages())
def test_a_message_s_length_is_in_its_header(pair: tuple[bytes, object]) -> None:
    raw, _ = pair
    assert int.from_bytes(raw[1:3], "big") == len(raw) - 3


def test_audio_reaches_the_edges() -> None:
    sizes = audio_messages().map(lambda pair: (pair[0][0], len(pair[0])))
    assert find(sizes, lambda size: size[1] == 3)
    assert find(sizes, lambda size: size[1] % 2 == 0)  # an odd payload
    assert find(sizes, lambda size: size[0] == 0x18 and size[1] > 60000)
