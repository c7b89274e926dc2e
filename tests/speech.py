<<<<<<< HEAD
"""Recorded human speech with its transcripts, and a word error rate that says when recognition broke."""

import re
=======
"""Recorded speech for tests: the clips of one folder with what is said in them."""

>>>>>>> main
import wave
from dataclasses import dataclass
from pathlib import Path

<<<<<<< HEAD
FOLDER = Path(__file__).parent / "fixtures" / "speech"


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording: slin at 8000 Hz and what is said in it."""
=======
FIXTURES = Path(__file__).parent / "fixtures" / "speech"
DEMO = Path(__file__).parents[1] / "callengine" / "cli" / "demo_speech"


@dataclass(frozen=True)
class Clip:
    """One utterance: `slin` is signed 16-bit little-endian mono at 8 kHz, `text` its transcript."""
>>>>>>> main

    name: str
    slin: bytes
    text: str

<<<<<<< HEAD
    @property
    def seconds(self) -> float:
        return len(self.slin) / 16_000


def clips(language: str, *, longer_than: float = 0.0) -> list[Clip]:
    """Return the clips of a language (`ru`, `en`), sorted by name."""
    found = [_clip(path) for path in sorted((FOLDER / language).glob("*.wav"))]
    return [clip for clip in found if clip.seconds > longer_than]


def _clip(path: Path) -> Clip:
    with wave.open(str(path)) as recording:
        assert (recording.getframerate(), recording.getnchannels(), recording.getsampwidth()) == (8000, 1, 2)
        slin = recording.readframes(recording.getnframes())
    return Clip(path.stem, slin, path.with_suffix(".txt").read_text(encoding="utf-8").strip())


def plain(text: str) -> str:
    """Return the words alone, as jiwer should compare them; never empty."""
    return " ".join(re.findall(r"\w+", text.lower().replace("ё", "е"))) or "-"
=======

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
>>>>>>> main
