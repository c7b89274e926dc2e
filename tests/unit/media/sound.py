"""Audio for tests of the media: messages a phone would send, loud enough for a detector or silent."""

import math
import struct

from callengine.media.audio import FRAME_SAMPLES, SILENCE_FRAME
from tests.strategies import packed

SILENCE = packed(0x10, SILENCE_FRAME)


def tone(samples: int = FRAME_SAMPLES, rate: int = 8000, hertz: float = 440.0) -> bytes:
    """A loud tone: WebRTC's detector calls it a voice."""
    return struct.pack(
        f"<{samples}h", *(round(9000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(samples))
    )


TONE = packed(0x10, tone())
