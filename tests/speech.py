"""Recorded speech for tests: the clips of one folder with what is said in them."""

import wave
from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures" / "speech"
DEMO = Path(__file__).parents[1] / "callengine" / "demo" / "recordings"


@dataclass(frozen=True)
class Clip:
    """One utterance: `slin` is signed 16-bit little-endian mono at 8 kHz, `text` its transcript."""

    name: str
    slin: bytes
    text: str


def load(folder: Path) -> list[Clip]:
    """Every `NAME.wav` of `folder` with the transcript beside it in `NAME.txt`, in order of name.

    ValueError: a clip is not 8 kHz mono PCM16. FileNotFoundError: a clip has no transcript.
    """
    return [_clip(path) for path in sorted(folder.glob("*.wav"))]


def _clip(path: Path) -> Clip:
    with wave.open(str(path)) as sound:
        shape = (sound.getframerate(), sound.getnchannels(), sound.getsampwidth())
        if shape != (8000, 1, 2):
            raise ValueError(f"{path}: rate, channels, bytes are {shape}; wanted (8000, 1, 2)")
        slin = sound.readframes(sound.getnframes())
    return Clip(path.stem, slin, path.with_suffix(".txt").read_text(encoding="utf-8").strip())
