"""Speech as bytes and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.ports.synthesis import SpeechChunk, WordMark
from callengine.voice.packing import pack_speech, unpack_speech

MARKS = st.lists(st.builds(WordMark, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)), max_size=20).map(tuple)


@given(st.binary(max_size=200).filter(lambda slin: len(slin) % 2 == 0), MARKS)
def test_what_is_packed_comes_back(slin: bytes, words: tuple[WordMark, ...]) -> None:
    speech = SpeechChunk(slin, words)
    assert unpack_speech(pack_speech(speech)) == speech


@given(st.binary(max_size=40))
def test_anything_else_is_a_named_error_or_a_speech(packed: bytes) -> None:
    try:
        speech = unpack_speech(packed)
    except ValueError:
        return
    assert pack_speech(speech) == packed


@pytest.mark.parametrize("packed", [b"", b"\x00", b"\x00\x01", b"\x00\x00\x01"])
def test_what_is_cut_off_is_an_error(packed: bytes) -> None:
    with pytest.raises(ValueError, match="not a packed speech"):
        unpack_speech(packed)
