"""Sizes as callers and recognisers write them, brought to one spelling. Pure.

Tyres are «205/55 R16» (ISO 4000-1: section width in mm, aspect ratio in %, rim diameter in inches), rims «R16»,
bolt patterns «5x114.3» (bolts x circle in mm), batteries «60 Ah».
"""

import re
from collections.abc import Callable

_RIM = r"(1[2-9]|2[0-4])"
_GAP = r"(?:\s*[/\\,.\-]?\s*|\s+(?:на|дробь|slash|by)\s+)"
_TYRE = re.compile(rf"(?<!\d)([1-3]\d5){_GAP}([3-8][05]){_GAP}(?:z?[rр]\s*[.\-]?\s*)?{_RIM}(?!\d)")
_BATTERY = re.compile(r"(?<!\d)(\d{2,3})\s*-?\s*(?:[аa]\W?\s?[чh]\b|ампер\w*(?:[\s-]*час\w*)?|amp\w*(?:[\s-]*hours?)?)")
_BOLTS = re.compile(
    r"(?<!\d)([3-6])\s*(?:[xх×*/]|на)\s*(98|100|105|108|110|112|114(?:[.,]3)?|118|120|127|130|139(?:[.,]7)?)(?![\d.,]*\d)"
)
_WHEEL = re.compile(rf"(?<!\d)\d{{1,2}}(?:[.,]\d)?\s*[xх×*]\s*{_RIM}(?!\d)")
_RIM_WORD = re.compile(rf"(?<![\w.])(?:[rр]\s*-?\s*|радиус\w*\s+|на\s+){_RIM}(?!\d)")
_RIM_INCH = re.compile(rf"(?<!\d){_RIM}\s*-?\s*(?:дюйм\w*|inch\w*|\"|″|'')")
_BOLT_FRACTIONS = {"114": "114.3", "139": "139.7"}
_LARGEST_RIM = 24


def _bolts(match: re.Match[str]) -> str:
    circle = match[2].replace(",", ".")
    return f"{match[1]}x{_BOLT_FRACTIONS.get(circle, circle)}"


def _rim(match: re.Match[str]) -> str:
    return f"R{match[1]}"


# In this order: what a longer size is made of must not be read again as a shorter one.
_SPELLINGS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_TYRE, lambda match: f"{match[1]}/{match[2]} R{match[3]}"),
    (_BATTERY, lambda match: f"{match[1]} Ah"),
    (_BOLTS, _bolts),
    (_WHEEL, _rim),
    (_RIM_WORD, _rim),
    (_RIM_INCH, _rim),
)


def plain(text: str) -> str:
    """The text in lower case with «ё» as «е», as everything here is compared."""
    return text.casefold().replace("ё", "е")


def take_sizes(text: str) -> tuple[frozenset[str], str]:
    """The sizes named in a text in their one spelling, and the text (see `plain`) without them.

    `"Шины 205 55 16"` gives `({"205/55 R16"}, "шины  ")`.
    """
    sizes: set[str] = set()
    rest = plain(text)
    for pattern, spelling in _SPELLINGS:
        sizes.update(spelling(match) for match in pattern.finditer(rest))
        rest = pattern.sub(" ", rest)
    return frozenset(sizes), rest


def read_size(text: str) -> frozenset[str]:
    """The sizes in an answer to "what size": also a bare number, «16» a rim and «60» a battery; empty if none."""
    sizes, rest = take_sizes(text)
    if not sizes and (number := rest.strip()).isascii() and number.isdigit() and 2 <= len(number) <= 3:
        return frozenset({f"R{number}" if 12 <= int(number) <= _LARGEST_RIM else f"{number} Ah"})
    return sizes


def keys_of_size(size: str) -> frozenset[str]:
    """Every size a product of this size is found by: a tyre «205/55 R16» also by «R16»."""
    sizes, _ = take_sizes(size)
    return sizes | {tyre.split()[-1] for tyre in sizes if "/" in tyre}
