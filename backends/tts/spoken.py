"""Text as espeak should read it, with the way back to the characters it came from.

espeak reads «12 500» as two numbers and «205/55» with a "slash", and does not know «₽».
"""

import re
from dataclasses import dataclass

_GROUPED = r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\s?\d)"  # not a telephone number
_TYRE_SIZE = r"(?<=\d)\s*/\s*(?=\d\d\b)"
_RIM = r"(?<=\d )[RrРр](?=1[2-9]\b|2[0-4]\b)"
_ROUBLES = r"₽"
_CHANGES = re.compile(f"(?P<grouped>{_GROUPED})|(?P<slash>{_TYRE_SIZE})|(?P<rim>{_RIM})|(?P<roubles>{_ROUBLES})")
_WORDS = {
    "ru": {"slash": " на ", "rim": "эр ", "roubles": "рублей"},
    "en": {"slash": " ", "rim": "R ", "roubles": "roubles"},
}
_GAPS = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class SpokenText:
    """`text` is what the voice reads; character `i` of it comes from character `origins[i]` of the prompt."""

    text: str
    origins: tuple[int, ...]


def spoken_text(text: str, language: str) -> SpokenText:
    """A prompt's text for espeak. Other languages than Russian and English only have their digit groups joined."""
    words = _WORDS.get(language.split("-")[0].lower(), {})
    pieces: list[str] = []
    origins: list[int] = []
    done = 0
    for change in _CHANGES.finditer(text):
        kind = str(change.lastgroup)
        new = _GAPS.sub("", change[0]) if kind == "grouped" else words.get(kind, change[0])
        pieces += text[done : change.start()], new
        origins += range(done, change.start())
        origins += [change.start()] * len(new)
        done = change.end()
    pieces.append(text[done:])
    origins += range(done, len(text))
    return SpokenText("".join(pieces), tuple(origins))


def word_starts(text: str) -> dict[int, int]:
    """For every character of a word (a run without white space) where its word begins."""
    return {at: word.start() for word in re.finditer(r"\S+", text) for at in range(word.start(), word.end())}
