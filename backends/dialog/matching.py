"""Finding known words in what a recogniser wrote: inflected, misspelt, numbers in words or figures. Pure."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from backends.dialog.vocabulary import Stems, Vocabulary

_WORD = re.compile(r"\d+|[^\W\d_]+(?:['’][^\W\d_]+)*")
_SHORTEST_GUESS = 5  # shorter stems have too many neighbours for a guess to be honest
_LONG = 8  # from here on two letters may be wrong, below one
_HUNDRED, _TENS, _TEENS = 100, 20, 10


def words_of(text: str) -> list[str]:
    """The words and figures of a text in lower case, «ё» as «е»."""
    return _WORD.findall(text.casefold().replace("ё", "е").replace("’", "'"))


def is_said(words: Sequence[str], stems: Iterable[str]) -> bool:
    """Whether any of the stems is among the words."""
    return any(_in_a_row(words, stem.replace("ё", "е").split()) for stem in stems)


def which_said(words: Sequence[str], table: Stems) -> str | None:
    """The first name of a table whose stems are said."""
    return next((name for name, stems in table.items() if is_said(words, stems)), None)


def _in_a_row(words: Sequence[str], stems: Sequence[str]) -> bool:
    exact = stems[0].startswith("=")  # it holds for all words of the stem
    wanted = [stem.removeprefix("=") for stem in stems]
    spans = range(len(words) - len(wanted) + 1)
    return any(all(_fits(words[at + i], wanted[i], exact) for i in range(len(wanted))) for at in spans)


def _fits(word: str, stem: str, exact: bool) -> bool:
    if exact:
        return word == stem
    if word.startswith(stem):
        return True
    if len(stem) < _SHORTEST_GUESS or word[0] != stem[0]:
        return False
    return _is_near(word[: len(stem) + 1], stem)


@lru_cache(maxsize=1 << 16)
def _is_near(beginning: str, stem: str) -> bool:
    """Whether a word that begins so may be one of the stem, misspelt."""
    wrong = 1 if len(stem) < _LONG else 2
    if len(set(stem).difference(beginning)) > wrong:  # most words end here, at a tenth of the cost
        return False
    return any(distance(beginning[:length], stem) <= wrong for length in (len(stem), len(stem) - 1, len(stem) + 1))


def distance(one: str, two: str) -> int:
    """How many letters must be changed, left out or put in to make one word the other (Levenshtein)."""
    row = list(range(len(two) + 1))
    for at, letter in enumerate(one, 1):
        before, row[0] = row[0], at
        for other, wanted in enumerate(two, 1):
            before, row[other] = row[other], min(before + (letter != wanted), row[other] + 1, row[other - 1] + 1)
    return row[-1]


def with_figures(text: str, vocabulary: Vocabulary) -> str:
    """The text in lower case with number words as figures: «двести пять на пятьдесят пять» is "205 на 55"."""
    spoken: list[str] = []
    number: _Number | None = None
    for word in words_of(text):
        value = _value_of(word, vocabulary)
        if value is None:
            if number is not None and word == "and":  # "one thousand and forty two"
                continue
            spoken += [str(number.value), word] if number else [word]
            number = None
        elif number is None or not number.take(value, vocabulary.joined_hundreds):
            spoken += [str(number.value)] if number else []
            number = _Number(value)
    return " ".join(spoken + ([str(number.value)] if number else []))


def _value_of(word: str, vocabulary: Vocabulary) -> int | None:
    if (value := vocabulary.number_words.get(word)) is not None:
        return value
    if is_said([word], vocabulary.thousand):
        return 1000
    if len(word) <= _SHORTEST_GUESS:
        return None
    near = (number for number in vocabulary.number_words if number[0] == word[0] and _is_number(word, number))
    return vocabulary.number_words.get(next(near, ""))


@lru_cache(maxsize=1 << 14)
def _is_number(word: str, number: str) -> bool:
    return abs(len(word) - len(number)) <= 1 and distance(word, number) == 1


class _Number:
    """A number as it is spoken, largest part first."""

    def __init__(self, value: int) -> None:
        self.value = value
        self._room = _room_behind(value)

    def take(self, value: int, joined_hundreds: bool) -> bool:
        """Add the next word if it belongs to this number."""
        if value == 1000 and 0 < self.value < 1000:
            self.value, self._room = self.value * 1000, 1000
        elif value == _HUNDRED and joined_hundreds and 0 < self.value < _TEENS:
            self.value, self._room = self.value * _HUNDRED, _HUNDRED
        elif joined_hundreds and 0 < self.value < _TEENS and _TEENS <= value < _HUNDRED:
            self.value, self._room = self.value * _HUNDRED + value, _room_behind(value)
        elif 0 < value < self._room:
            self.value, self._room = self.value + value, _room_behind(value)
        else:
            return False
        return True


def _room_behind(value: int) -> int:
    """What may follow must be smaller than this: behind «двадцать» a unit, behind «двести» anything under a hundred."""
    if value >= 1000:
        return 1000
    if value >= _HUNDRED:
        return _HUNDRED
    return _TEENS if value >= _TENS else 0
