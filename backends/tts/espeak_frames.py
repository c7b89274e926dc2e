"""The language between the engine and the process that speaks: frames of one byte kind, four bytes length, payload."""

import json
import struct
from dataclasses import asdict, dataclass

from callengine.ports.synthesis import SpeechChunk, WordMark

HEADER = struct.Struct(">cI")
SPEAK, SPEECH, END, FAULT = b"S", b"A", b"E", b"X"
_COUNT = struct.Struct(">H")
_MARK = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class SpeakRequest:
    """What the process is asked: `voice` as espeak names it, `rate` 1.0 is its own pace."""

    text: str
    language: str
    voice: str
    rate: float


def encode_frame(kind: bytes, payload: bytes = b"") -> bytes:
    return HEADER.pack(kind, len(payload)) + payload


def encode_request(request: SpeakRequest) -> bytes:
    return encode_frame(SPEAK, json.dumps(asdict(request)).encode())


def decode_request(payload: bytes) -> SpeakRequest:
    return SpeakRequest(**json.loads(payload))


def encode_speech(chunk: SpeechChunk) -> bytes:
    marks = b"".join(_MARK.pack(word.start, word.position) for word in chunk.words)
    return encode_frame(SPEECH, _COUNT.pack(len(chunk.words)) + marks + chunk.slin)


def decode_speech(payload: bytes) -> SpeechChunk:
    (count,) = _COUNT.unpack_from(payload)
    speech = _COUNT.size + count * _MARK.size
    words = tuple(WordMark(*mark) for mark in _MARK.iter_unpack(payload[_COUNT.size : speech]))
    return SpeechChunk(payload[speech:], words)
