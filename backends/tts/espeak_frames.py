"""The language between the engine and the process that speaks: frames of one byte kind, four bytes length, payload."""

import json
import struct
from dataclasses import asdict, dataclass

from callengine.ports.synthesis import SpeechChunk
from callengine.voice.packing import pack_speech

HEADER = struct.Struct(">cI")
SPEAK, SPEECH, END, FAULT = b"S", b"A", b"E", b"X"


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
    return encode_frame(SPEECH, pack_speech(chunk))
