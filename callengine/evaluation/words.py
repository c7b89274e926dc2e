"""One spelling for what sounds alike, so that a word error is a word misheard and not a word written otherwise. Pure.

In this order: `12,500` in English and numbers set apart by a hard space in Russian are one number; `%` and `№` become
words; Unicode NFKC, lower case, ё as е; `5th`, `5-й` become ordinals; numbers become words (num2words), one with a
leading zero or over six digits digit by digit, `12,5` as a fraction; other punctuation becomes space. Then, so that
«две», «2» and «два» are alike, the cases and genders of Russian small numerals are folded into the first form, and in
English `and` behind a hundred or a thousand is dropped."""

import re
import unicodedata
from collections.abc import Callable

from num2words import num2words

_LONGEST_NUMBER = 6  # digits; a longer one is a telephone number
_ORDINALS = {"en": r"\b(\d+)(?:st|nd|rd|th)\b", "ru": r"\b(\d+)-(?:й|я|е|го|му|м|х|ый|ой|ая|ое|ого|ую)\b"}
_GROUPS = {"en": r"(?<=\d),(?=\d{3}\b)", "ru": r"(?<=\d)[\u00a0\u202f](?=\d{3}\b)"}
_SIGNS = {"en": {"%": " percent ", "&": " and "}, "ru": {"%": " процент ", "№": " номер "}}
_FRACTION = re.compile(r"(?<![\d.,])(\d{1,6})[.,](\d{1,3})(?![\d]|[.,]\d)")
_NUMBER = re.compile(r"\d+")
_FORMS = {
    "ru": {
        "ноль": "нуль нуля ноля нулю нулем",
        "один": "одна одно одну одного одной одному одним одном",
        "два": "две двух двум двумя",
        "три": "трех трем тремя",
        "четыре": "четырех четырем четырьмя",
        "пять": "пяти пятью",
        "шесть": "шести шестью",
        "семь": "семи семью",
        "восемь": "восьми восемью восьмью",
        "девять": "девяти девятью",
        "десять": "десяти десятью",
        "сорок": "сорока",
        "сто": "ста",
        "тысяча": "тысячи тысяч тысячу тысяче тысячам",
        "миллион": "миллиона миллионов",
        "процент": "процента процентов проценты",
    },
    "en": {"zero": "oh", "percent": "percents"},
}
_FOLDED = {
    language: {form: word for word, forms in table.items() for form in forms.split()}
    for language, table in _FORMS.items()
}
_RUSSIAN_TENS = ("дцать", "десят", "сорок", "сто", "двести", "ста", "сот")  # endings of what a one may follow


def normalised(text: str, language: str) -> list[str]:
    """The words of `text` in one spelling; `language` is BCP-47. A language unknown to num2words keeps its digits."""
    tongue = language.split("-")[0].lower()
    if pattern := _GROUPS.get(tongue):
        text = re.sub(pattern, "", text)
    for sign, word in _SIGNS.get(tongue, {}).items():
        text = text.replace(sign, word)
    # only now: it makes a hard space a plain one and № two letters
    text = unicodedata.normalize("NFKC", text).lower().replace("ё", "е").replace("’", "'")
    if pattern := _ORDINALS.get(tongue):
        text = re.sub(pattern, lambda found: _spoken(int(found[1]), tongue, "ordinal"), text)
    text = _FRACTION.sub(lambda found: f" {_spoken(float(f'{found[1]}.{found[2]}'), tongue)} ", text)
    text = _NUMBER.sub(lambda found: f" {_number(found[0], tongue)} ", text).lower().replace("ё", "е")
    words = (word.strip("'") for word in re.findall(r"[^\W_]+(?:'[^\W_]+)*", text))
    folded = _FOLDED.get(tongue, {})
    return _JOINED.get(tongue, list)([folded.get(word, word) for word in words])


def _number(digits: str, tongue: str) -> str:
    if len(digits) > _LONGEST_NUMBER or (digits[0] == "0" and len(digits) > 1):
        return " ".join(_spoken(int(digit), tongue) for digit in digits)
    return _spoken(int(digits), tongue)


def _spoken(number: float, tongue: str, to: str = "cardinal") -> str:
    try:
        return str(num2words(number, lang=tongue, to=to))
    except NotImplementedError:
        return str(number)


def _english(words: list[str]) -> list[str]:
    """«one hundred and five», «a hundred five» and 105 are alike."""
    kept: list[str] = []
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        if word == "a" and following in ("hundred", "thousand"):
            kept.append("one")
        elif word != "and" or not kept or kept[-1] not in ("hundred", "thousand"):
            kept.append(word)
    return kept


def _russian(words: list[str]) -> list[str]:
    """«тысяча» and «одна тысяча» are alike, «двадцать одна тысяча» stays."""
    kept: list[str] = []
    for word in words:
        if word == "тысяча" and kept[-1:] == ["один"] and (len(kept) < 2 or not kept[-2].endswith(_RUSSIAN_TENS)):
            kept.pop()
        kept.append(word)
    return kept


_JOINED: dict[str, Callable[[list[str]], list[str]]] = {"en": _english, "ru": _russian}
