"""Slin arithmetic at 8 kHz: sizes, silence, fades, level. Pure; bytes in and out."""

import numpy as np

RATE = 8000
FRAME_SECONDS = 0.020
FRAME_SAMPLES = 160
FRAME_BYTES = 320
SILENCE_FRAME = bytes(FRAME_BYTES)

_RAMP_DOWN = np.linspace(1.0, 0.0, FRAME_SAMPLES, dtype=np.float32)
_RAMP_UP = _RAMP_DOWN[::-1].copy()


def fade_out(frame: bytes | memoryview) -> bytes:
    """One frame falling linearly to silence, so that a cut does not click."""
    return _scaled(frame, _RAMP_DOWN)


def fade_in(frame: bytes | memoryview) -> bytes:
    """One frame rising linearly from silence."""
    return _scaled(frame, _RAMP_UP)


def whole_frames(slin: bytes) -> bytes:
    """`slin` with zeros added up to a whole number of 20 ms frames."""
    rest = len(slin) % FRAME_BYTES
    return slin + bytes(FRAME_BYTES - rest) if rest else slin


def level(slin: bytes | memoryview) -> float:
    """Root mean square of the samples, 0.0 to 32768.0; 0.0 for none."""
    samples = np.frombuffer(slin, dtype="<i2").astype(np.float32)
    return float(np.sqrt(np.mean(samples * samples))) if samples.size else 0.0


def _scaled(frame: bytes | memoryview, ramp: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> bytes:
    return (np.frombuffer(frame, dtype="<i2") * ramp).astype("<i2").tobytes()
