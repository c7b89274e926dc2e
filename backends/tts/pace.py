"""Where words begin in the speech of a voice that does not say it: by proportion of the text as it is spoken. Pure."""

import re

from callengine.ports.synthesis import WordMark

USUAL = 560.0  # samples a character at 8 kHz: 14 characters a second


class Pace:
    """How fast a voice speaks at its own rate, over all it was heard to say."""

    def __init__(self) -> None:
        self._samples = 0.0
        self._characters = 0

    @property
    def samples_per_character(self) -> float:
        return self._samples / self._characters if self._characters else USUAL

    def hear(self, text: str, samples: int, rate: float) -> None:
        """Take one whole speech into the measure."""
        self._samples += samples * rate
        self._characters += len(text)


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
