"""Which words went out, told from the wire alone: every frame is known by its bytes (`witness`).

A word is out when the frame that it begins in is; the frame that falls to silence is none of the speech's."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.bench.dialog.calls import SILENCE
from tests.bench.dialog.sounds import FRAME_SAMPLES
from tests.bench.dialog.witness import Speech, kept_speeches

Place = tuple[int, int]  # which speech, which frame of it
SKIPPED = 4000  # samples: no voice has more silence before its first sound
COMPARED = 3000  # samples, by which a speech is found in what it was made of


@dataclass(slots=True)
class Piece:
    """A speech of which `frames` frames went out."""

    speech: Speech
    frames: int


@dataclass(slots=True)
class Heard:
    """What was heard of one answer. `unknown`: frames that are none of any speech (one falls to silence)."""

    pieces: list[Piece] = field(default_factory=list)
    unknown: int = 0

    @property
    def begun(self) -> str:
        """All pieces of which anything went out, whole."""
        return " ".join(piece.speech.text for piece in self.pieces)


class Account:
    """Every speech of an engine, by its frames. Where `told` is given, it is believed of their words."""

    def __init__(self, folder: Path, told: Path | None = None) -> None:
        self._speeches = kept_speeches(folder)
        self._frames = [list(speech.frames()) for speech in self._speeches]
        self._index: dict[bytes, list[Place]] = {}
        truths = _truths(told) if told is not None else {}
        for number, speech in enumerate(self._speeches):
            speech.words = _moved(speech, truths.get(speech.text, []))
            for at, frame in enumerate(self._frames[number]):
                self._index.setdefault(frame, []).append((number, at))

    def follow(self, frames: Sequence[bytes], answer: str) -> Heard:
        """The speeches of an answer that frames on the wire are of, in order."""
        heard = Heard()
        places: list[Place] = []  # where the last frame may lie: soft beginnings are all alike
        for frame in frames:
            if frame == SILENCE:
                continue
            following = [(number, at + 1) for number, at in places if self._lies(frame, number, at + 1)]
            if places and not following:
                self._note(heard, places)
            places = following or self._beginnings(frame, answer, heard)
            heard.unknown += not places
        if places:
            self._note(heard, places)
        return heard

    def _lies(self, frame: bytes, number: int, at: int) -> bool:
        return at < len(self._frames[number]) and self._frames[number][at] == frame

    def _beginnings(self, frame: bytes, answer: str, heard: Heard) -> list[Place]:
        places = [(number, at) for number, at in self._index.get(frame, []) if self._speeches[number].text in answer]
        said = {piece.speech.text for piece in heard.pieces[:-1]}
        return [(number, at) for number, at in places if self._speeches[number].text not in said] or places

    def _note(self, heard: Heard, places: Sequence[Place]) -> None:
        number, at = places[0]
        if heard.pieces and heard.pieces[-1].speech is self._speeches[number]:
            heard.pieces[-1].frames = at + 1
        else:
            heard.pieces.append(Piece(self._speeches[number], at + 1))


def words_of(heard: Heard) -> str:
    """The text up to the last word that has begun."""
    return " ".join(filter(None, map(_words_of, heard.pieces)))


def _words_of(piece: Piece) -> str:
    speech, out = piece.speech, piece.frames * FRAME_SAMPLES
    if out * 2 >= len(speech.slin):
        return speech.text
    begun = [start for start, position in speech.words if position < out]
    if not begun:
        return ""
    following = speech.text.find(" ", max(begun))
    return speech.text if following < 0 else speech.text[:following]


def _truths(told: Path) -> dict[str, list[Speech]]:
    """What the stand-in for Google said it had made, by text."""
    found: dict[str, list[Speech]] = {}
    for path in sorted(told.glob("*.json")):
        made = json.loads(path.read_text(encoding="utf-8"))
        words = [(start, position) for start, position in made["words"]]
        found.setdefault(made["text"], []).append(Speech(made["text"], path.with_suffix(".slin").read_bytes(), words))
    return found


def _moved(speech: Speech, made: Sequence[Speech]) -> list[tuple[int, int]]:
    """The words of the speech among `made` that this one is, less what was cut off its front."""
    best = max(_places(speech, made), default=None)
    if best is None:
        return speech.words
    _, number, skipped = best
    return [(start, max(position - skipped, 0)) for start, position in made[number].words]


def _places(speech: Speech, made: Sequence[Speech]) -> Iterator[tuple[float, int, int]]:
    """How like each is, and where in it this one begins."""
    one = np.frombuffer(speech.slin, "<i2").astype(np.float64)[:COMPARED]
    if not one.any():
        return
    for number, other in enumerate(made):
        raw = np.frombuffer(other.slin, "<i2").astype(np.float64)[: len(one) + SKIPPED]
        if len(raw) < len(one):
            continue
        likeness = np.correlate(raw, one, "valid") / (np.linalg.norm(one) * np.linalg.norm(raw) + 1)
        skipped = int(np.argmax(likeness))
        yield float(likeness[skipped]), number, skipped
