"""A stereo WAV file of 8 kHz slin, the caller left, the agent right. Pure.

The sizes in its header grow with it, so that what a killed engine leaves can be heard up to its last second (Microsoft,
"Multimedia Programming Interface and Data Specifications 1.0", 1991: RIFF WAVE)."""

import struct
from collections.abc import Sequence

import numpy as np

from callengine.media.audio import RATE
from callengine.media.tape import Block, Second

CHANNELS, SAMPLE_BYTES = 2, 2
FRAME_BYTES = CHANNELS * SAMPLE_BYTES  # one sample of either side
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
HEADER_BYTES = _HEADER.size


def header(samples: int) -> bytes:
    """The header of a file with so many samples of each side."""
    size = samples * FRAME_BYTES
    shape = (16, 1, CHANNELS, RATE, RATE * FRAME_BYTES, FRAME_BYTES, SAMPLE_BYTES * 8)
    return _HEADER.pack(b"RIFF", HEADER_BYTES - 8 + size, b"WAVE", b"fmt ", *shape, b"data", size)


def samples_in(file_bytes: int) -> int:
    """How many whole samples of each side a file of this size has, whatever its header says."""
    return max(0, file_bytes - HEADER_BYTES) // FRAME_BYTES


def stereo(seconds: Sequence[Second]) -> bytes:
    """The sound of seconds that follow one another."""
    sound = np.zeros((sum(second.samples for second in seconds), CHANNELS), "<i2")
    begin = 0
    for second in seconds:
        for side, block in enumerate((second.caller, second.agent)):
            if block is not None:
                sound[begin : begin + second.samples, side] = _samples(block)[: second.samples]
        begin += second.samples
    return sound.tobytes()


def _samples(block: Block) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    return np.frombuffer(block, "<i2")
