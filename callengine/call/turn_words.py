"""What words mean to turn-taking, by language: who says «угу» listens, who ends on «и» goes on. Data in `words/`.

A language without a file has no such words: every pause is then alike, and every word is meant. `complete` and what an
agent file adds to it are regular expressions over the words of `split_words`, one space between two; what they match at
the end of an utterance is whole, and nobody waits for more of it."""

import re
import tomllib
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from importlib.resources import files

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = re.compile(r"['’]")


class Tail(Enum):
    """How an utterance ends, as far as its words tell."""

    PLAIN = auto()
    TRAILING = auto()  # on a word, or a sign, after which more is to come
    NUMBER = auto()  # within a number that is being dictated
    YES_NO = auto()  # it is an answer to a question, and whole


@dataclass(frozen=True, slots=True)
class TurnWords:
    """The words of one language; each entry is words in a row, split and in lower case."""

    listening: frozenset[tuple[str, ...]] = frozenset()
    trailing: frozenset[tuple[str, ...]] = frozenset()
    yes_no: frozenset[tuple[str, ...]] = frozenset()
    numbers: frozenset[tuple[str, ...]] = frozenset()
    voicemail: frozenset[tuple[str, ...]] = frozenset()
    complete: tuple[re.Pattern[str], ...] = ()

    def only_listens(self, text: str) -> bool:
        """A back-channel: nothing was said but what one says who listens ("mhm", «да-да»), however often."""
        words = split_words(text)
        return bool(words) and _made_of(words, self.listening)

    def of_voicemail(self, text: str) -> bool:
        """Somewhere in it is what answering machines say, and people do not."""
        words = split_words(text)
        sizes = {len(entry) for entry in self.voicemail}
        return any(words[at : at + size] in self.voicemail for size in sizes for at in range(len(words) - size + 1))

    def tail(self, text: str) -> Tail:
        """How an utterance of this text ends."""
        words = split_words(text)
        if not words:
            return Tail.PLAIN
        if words in self.yes_no:
            return Tail.YES_NO
        if text.rstrip().endswith((",", "…", "...", "-", "–", "—")) or _ends_on(words, self.trailing):
            return Tail.TRAILING
        if self.complete and any(pattern.search(" ".join(words)) for pattern in self.complete):
            return Tail.PLAIN
        if words[-1].isdecimal() or words[-1:] in self.numbers:
            return Tail.NUMBER
        return Tail.PLAIN


def split_words(text: str) -> tuple[str, ...]:
    """The words of a transcript in lower case, without signs; «ё» is «е», and a hyphen parts («да-да»)."""
    plain = _APOSTROPHES.sub("", text.lower().replace("ё", "е"))
    return tuple(_WORD.findall(plain))


def whole_at_end(pattern: str) -> re.Pattern[str]:
    """A regular expression (verbose, so a space is `[ ]`) for the last words of an utterance. Raises re.error."""
    return re.compile(f"(?:^|(?<=[ ]))(?:{pattern})$", re.VERBOSE)


@cache
def load_turn_words(language: str, complete: tuple[str, ...] = ()) -> TurnWords:
    """The words of a language (BCP-47: `ru-RU` takes `ru`), and an agent's own `complete`."""
    source = files("callengine.call").joinpath("words").joinpath(f"{language.split('-')[0].lower()}.toml")
    if not source.is_file():
        return TurnWords(complete=tuple(map(whole_at_end, complete)))
    tables = tomllib.loads(source.read_text(encoding="utf-8"))
    patterns = tuple(map(whole_at_end, (*tables.pop("complete", ()), *complete)))
    return TurnWords(complete=patterns, **{name: frozenset(map(split_words, words)) for name, words in tables.items()})


def _made_of(words: tuple[str, ...], entries: frozenset[tuple[str, ...]]) -> bool:
    """All of `words` can be read as entries one after another."""
    longest = max(map(len, entries), default=0)
    reached = {0}
    for end in range(1, len(words) + 1):
        if any(end - size in reached and words[end - size : end] in entries for size in range(1, longest + 1)):
            reached.add(end)
    return len(words) in reached


def _ends_on(words: tuple[str, ...], entries: frozenset[tuple[str, ...]]) -> bool:
    return any(words[-size:] in entries for size in range(1, max(map(len, entries), default=0) + 1))
