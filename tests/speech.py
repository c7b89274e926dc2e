"""Recorded human speech with its transcripts, and a word error rate that says when recognition broke."""

import re
import wave
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "fixtures" / "speech"


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording: slin at 8000 Hz and what is said in it."""

    name: str
    slin: bytes
    text: str

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
