"""A piece of speech as bytes: how many word marks, the marks, the slin. Pure."""

import struct

from callengine.ports.synthesis import SpeechChunk, WordMark

_COUNT = struct.Struct(">H")
_MARK = struct.Struct(">II")


def pack_speech(chunk: SpeechChunk) -> bytes:
    marks = b"".join(_MARK.pack(word.start, word.position) for word in chunk.words)
    return _COUNT.pack(len(chunk.words)) + marks + chunk.slin


def unpack_speech(packed: bytes) -> SpeechChunk:
    """What `pack_speech` packed. Raises ValueError for anything else, as far as it can be seen."""
    try:
        (count,) = _COUNT.unpack_from(packed)
        speech = _COUNT.size + count * _MARK.size
        words = tuple(WordMark(*mark) for mark in _MARK.iter_unpack(packed[_COUNT.size : speech]))
    except struct.error:
        raise ValueError("not a packed speech") from None
    slin = packed[speech:]
    if len(slin) % 2 or len(words) != count:
        raise ValueError("not a packed speech")
    return SpeechChunk(slin, words)
