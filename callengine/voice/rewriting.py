"""A text on its way to being spoken: rewritten step by step, with the way back to the characters it came from. Pure."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpokenText:
    """`text` is what the voice reads; character `i` of it comes from character `origins[i]` of the prompt."""

    text: str
    origins: tuple[int, ...]


# A pattern, and what is said for a match of it (None: the match stays as it is).
Say = Callable[[re.Match[str]], str | None]
Rule = tuple[re.Pattern[str], Say]


def unspoken(text: str) -> SpokenText:
    """A text nothing was done to yet."""
    return SpokenText(text, tuple(range(len(text))))


def rewrite(spoken: SpokenText, rules: Iterable[Rule]) -> SpokenText:
    """One rule after the other, each over all that the earlier ones left."""
    for pattern, say in rules:
        spoken = _apply(spoken, pattern, say)
    return spoken


def apart(say: Say) -> Say:
    """What is said, with a space where a letter or figure would stick to it («16C», «91T»)."""

    def said_apart(match: re.Match[str]) -> str | None:
        said = say(match)
        if said is None:
            return None
        before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
        return f"{' ' if before.isalnum() else ''}{said}{' ' if after.isalnum() else ''}"

    return said_apart


def _apply(spoken: SpokenText, pattern: re.Pattern[str], say: Say) -> SpokenText:
    pieces: list[str] = []
    origins: list[int] = []
    done = 0
    for match in pattern.finditer(spoken.text):
        said = say(match)
        if said is None:
            continue
        pieces += spoken.text[done : match.start()], said
        origins += spoken.origins[done : match.start()]
        origins += [spoken.origins[match.start() + at] for at in _spread(match[0], said)]
        done = match.end()
    if not pieces:
        return spoken
    pieces.append(spoken.text[done:])
    origins += spoken.origins[done:]
    return SpokenText("".join(pieces), tuple(origins))


def _spread(written: str, said: str) -> list[int]:
    """For each character said, where in the text the word of it lies: the words of «двенадцать тысяч пятьсот рублей»
    are spread over those of «12 500 ₽»."""
    starts = [word.start() for word in re.finditer(r"\S+", written)] or [0]
    count = max(len(said.split()), 1)
    found: list[int] = []
    word = 0
    for at, character in enumerate(said):
        word += at > 0 and not character.isspace() and said[at - 1].isspace() and bool(said[:at].strip())
        found.append(starts[word * len(starts) // count])
    return found
