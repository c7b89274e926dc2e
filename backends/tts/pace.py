"""Where words begin in the speech of a voice that does not say it: by proportion of the text as it is spoken. Pure."""

import re

from callengine.ports.synthesis import WordMark

USUAL = 560.0  # samples a character at 8 kHz: 14 characters a second
LEAST = 0.7  # of length over characters: a few speeches of nearly one length tell no slope


class Pace:
    """How fast a voice speaks at its own rate, over all it was heard to say.

    A speech is longer than its characters: its ending is drawn out. So a character is what a longer text takes more,
    the slope of the line through all speeches; by length over characters, words would be told too late."""

    def __init__(self) -> None:
        self._speeches = self._characters = self._squares = 0
        self._samples = self._products = 0.0

    @property
    def samples_per_character(self) -> float:
        if not self._characters:
            return USUAL
        mean = self._samples / self._characters
        spread = self._speeches * self._squares - self._characters**2
        if not spread:  # all were as long
            return mean
        slope = (self._speeches * self._products - self._characters * self._samples) / spread
        return min(max(slope, LEAST * mean), mean)

    def hear(self, text: str, samples: int, rate: float) -> None:
        """Take one whole speech into the measure."""
        size = len(text)
        self._speeches += 1
        self._characters += size
        self._squares += size * size
        self._samples += samples * rate
        self._products += samples * rate * size


class Words:
    """The words of one prompt, each given once, with the piece of speech that it begins in."""

    def __init__(self, text: str, samples_per_character: float) -> None:
        self._due = [
            WordMark(word.start(), round(word.start() * samples_per_character)) for word in re.finditer(r"\S+", text)
        ]

    def begun(self, begin: int, end: int, *, last: bool = False) -> tuple[WordMark, ...]:
        """The words that begin between two samples; the last piece has all that are left."""
        now = [word for word in self._due if last or word.position < end]
        self._due = self._due[len(now) :]
        return tuple(WordMark(word.start, min(max(word.position, begin), end - 1)) for word in now)
