"""G.711 A-law as numpy tables (ITU-T G.711, section 3.1 and table 1): what a telephone makes of slin. Pure."""

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

SILENCE = 0xD5  # what 0 is encoded as; A-law has no zero, it decodes to +8


def _levels() -> Samples:
    """The value of each of the 256 bytes: sign, three bits of segment, four of mantissa, every other bit inverted."""
    code = np.arange(256) ^ 0x55
    segment, mantissa = (code & 0x70) >> 4, (code & 0x0F) << 4
    value = np.where(segment == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, value, -value).astype(np.int16)


def _codes(levels: Samples) -> npt.NDArray[np.uint8]:
    """The byte of every value from -32768: the level nearest to it; halfway between two, the upper one."""
    order = np.argsort(levels, kind="stable")
    sorted_levels = levels[order].astype(np.int32)
    decisions = (sorted_levels[1:] + sorted_levels[:-1]) / 2
    return order[np.searchsorted(decisions, np.arange(-32768, 32768), side="right")].astype(np.uint8)


_LEVELS = _levels()
_CODES = _codes(_LEVELS)


def decode(payload: bytes) -> Samples:
    """Samples of A-law bytes, one each."""
    return _LEVELS[np.frombuffer(payload, np.uint8)]


def encode(samples: Samples) -> bytes:
    """One A-law byte for each sample."""
    return _CODES[samples.astype(np.int32) + 32768].tobytes()


def through_alaw(samples: Samples) -> Samples:
    """What a telephone line leaves of samples; what has been through it once goes through unchanged."""
    return decode(encode(samples))
