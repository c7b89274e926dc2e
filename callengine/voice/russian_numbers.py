"""Russian numbers in words, in the gender and case that what stands around them asks for. Pure.

Grammar: a numeral agrees with its noun in the oblique cases («от двух рублей», «в трёх магазинах»); behind a numeral in
the nominative the noun stands in one of three forms («рубль», «рубля», «рублей»)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from num2words import num2words

from callengine.voice.figures import LONGEST_SAID, in_threes, said_digits

Gender = Literal["m", "f", "n"]
Case = Literal["n", "g", "d", "a", "i", "p"]  # nominative, genitive, dative, accusative, instrumental, prepositional

_GENITIVE = "от до около более менее больше меньше свыше порядка без из после для дороже дешевле ниже выше с со кроме"
_ACCUSATIVE = "за на через про в во"
_CASES: Mapping[str, Case] = {
    **dict.fromkeys(_GENITIVE.split(), "g"),
    **dict.fromkeys(_ACCUSATIVE.split(), "a"),
    **dict.fromkeys(("к", "ко"), "d"),
}
_ENDINGS: tuple[tuple[str, Case], ...] = (
    ("ами", "i"), ("ями", "i"), ("ах", "p"), ("ях", "p"), ("ам", "d"), ("ям", "d"),
)  # fmt: skip
_SHORTEST_NOUN = 4
_BEFORE = re.compile(r"([а-яё]+)[ \u00a0\u202f]+$", re.IGNORECASE)
_AFTER = re.compile(r"[ \u00a0\u202f]*([а-яё]+)(?:[ \u00a0\u202f]+([а-яё]+))?", re.IGNORECASE)
_ADJECTIVE = re.compile(r"(?:ая|яя|ое|ее|ый|ий|ой|ые|ие|ых|их|ыми|ими|ым|им)$")


@dataclass(frozen=True, slots=True)
class Noun:
    """What is counted: «рубль», «рубля», «рублей» stand behind 1, 2 and 5."""

    gender: Gender
    one: str
    few: str
    many: str


ROUBLE = Noun("m", "рубль", "рубля", "рублей")
KOPECK = Noun("f", "копейка", "копейки", "копеек")
HOUR = Noun("m", "час", "часа", "часов")
MINUTE = Noun("f", "минута", "минуты", "минут")


def cardinal(number: int, gender: Gender = "m", case: Case = "n") -> str:
    """«двадцать одна», «двадцати одной»; a number nobody could follow is said in groups of its digits."""
    if number >= 10**LONGEST_SAID:
        return ", ".join(said_digits(group, cardinal) for group in in_threes(str(number)))
    return str(num2words(number, lang="ru", gender=gender, case=case, animate=False))


def ordinal(number: int, gender: Gender = "m", case: Case = "n", plural: bool = False) -> str:
    """«двадцать первого»."""
    return str(num2words(number, lang="ru", to="ordinal", gender=gender, case=case, plural=plural, animate=False))


def decimal(number: Decimal) -> str:
    """«одна целая пять десятых»; more than three decimals are said one by one."""
    whole, _, rest = f"{number:f}".partition(".")
    if not rest.strip("0"):
        return cardinal(int(whole))
    if len(rest) <= 3 and len(whole) <= LONGEST_SAID:
        return str(num2words(f"{whole}.{rest.rstrip('0')}", lang="ru"))
    return f"{cardinal(int(whole))} и {' '.join(cardinal(int(digit)) for digit in rest)}"


def counted(number: Decimal, noun: Noun, case: Case = "n") -> str:
    """A number with its noun. Cases in which the noun is not known here are said in the nominative."""
    if number != int(number):
        return f"{decimal(number)} {noun.few}"
    whole = int(number)
    case = case if case in ("g", "a") else "n"
    return f"{cardinal(whole, noun.gender, case)} {_form(whole, noun, case)}"


def case_before(text: str, at: int) -> Case:
    """The case that the word before position `at` asks for."""
    word = _BEFORE.search(text, 0, at)
    return _CASES.get(word[1].lower(), "n") if word else "n"


def agreeing(number: int, text: str, begin: int, end: int) -> str:
    """A number that stands at `begin` to `end` of a text, as the words around it ask for."""
    case = case_before(text, begin)
    found = _AFTER.match(text, end)
    nouns = [word.lower() for word in found.groups() if word] if found else []
    if len(nouns) == 2 and not _ADJECTIVE.search(nouns[0]):
        nouns = nouns[:1]
    for word in nouns:
        if len(word) >= _SHORTEST_NOUN:
            case = next((named for ending, named in _ENDINGS if word.endswith(ending)), case)
    return cardinal(number, _gender(number, nouns[-1] if nouns else "", case), case)


def _gender(number: int, noun: str, case: Case) -> Gender:
    """The gender of the noun behind a number, as far as its ending shows it: only 1 and 2 have more than one."""
    if number % 100 in (11, 12) or not noun:
        return "m"
    if number % 10 == 1:
        if case == "g":
            return "f" if noun.endswith(("и", "ы")) else "m"
        return "f" if noun.endswith(("а", "я", "у", "ю")) else "n" if noun.endswith(("о", "е")) else "m"
    return "f" if number % 10 == 2 and noun.endswith(("и", "ы")) else "m"


def _form(number: int, noun: Noun, case: Case) -> str:
    few, one = number % 10 in (2, 3, 4), number % 10 == 1
    if number % 100 in (11, 12, 13, 14):
        few = one = False
    if case == "g":
        return noun.few if one else noun.many
    if one and case == "a" and noun.gender == "f":
        return noun.one[:-1] + {"а": "у", "я": "ю"}[noun.one[-1]]
    return noun.one if one else noun.few if few else noun.many
