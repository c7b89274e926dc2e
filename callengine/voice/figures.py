"""How numbers are written: groups of thousands, decimals, telephone numbers; the same in every language. Pure."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

GAP = "[ \u00a0\u202f\u2009]"
# «1 299,90», "12,500.00", «1.5», «12500».
NUMBER = rf"(?:\d{{1,3}}(?:{GAP}\d{{3}})+(?!\d)|\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+)(?:[.,]\d+)?(?!\d)"
LONGEST_SAID = 12  # digits of a number that is still said as one; a longer one is said in groups

_SEPARATED = rf"(?:[()-]|{GAP}){{0,3}}\d"
# +7 (495) 000-01-01, 8 800 555 35 35, 8-916-123-45-67, +44 20 7946 0958, (495) 000-01-01
_FORMS = (
    rf"\+?[78](?:{_SEPARATED}){{10}}",
    rf"\+\d(?:{_SEPARATED}){{8,14}}",
    r"\(\d{3}\) ?\d{3}[ -]\d{2}[ -]?\d{2}",
    r"\d{3}([ -])\d{3}\1\d{2}\1\d{2}",
)
TELEPHONE = re.compile(rf"(?<![\w.,/-])(?:{'|'.join(_FORMS)})(?![\w/]|[.,:]\d)")
_COUNTRY_AND_TOWN = (1, 3, 3, 2, 2)


def number_of(text: str, decimal_comma: bool) -> Decimal:
    """The value of what `NUMBER` found; `decimal_comma`: «1,299» is less than two, not over a thousand."""
    plain = re.sub(GAP, "", text)
    head, _, tail = plain.partition(",")
    if "," in tail or "." in tail or not (decimal_comma or len(tail) != 3):
        return Decimal(plain.replace(",", ""))
    return Decimal(f"{head}.{tail}" if tail else head)


def telephone_groups(text: str) -> list[str]:
    """The groups in which a telephone number is said."""
    digits = re.sub(r"\D", "", text)
    if len(digits) == 11 and digits[0] in "78":
        return _cut(digits, _COUNTRY_AND_TOWN)
    if len(digits) == 10 and not text.startswith("+"):
        return _cut(digits, _COUNTRY_AND_TOWN[1:])
    return [piece for group in re.findall(r"\d+", text) for piece in in_threes(group)]


def in_pairs(digits: str) -> list[str]:
    """Digits as an order's number is said: in twos, the first group of three where they are odd."""
    first = 2 if len(digits) % 2 == 0 else 3
    return [digits[:first], *(digits[at : at + 2] for at in range(first, len(digits), 2))]


def in_threes(digits: str) -> list[str]:
    """Long digits in threes; four at the end are two and two."""
    groups = []
    while len(digits) > 4:
        groups.append(digits[:3])
        digits = digits[3:]
    return [*groups, *([digits[:2], digits[2:]] if len(digits) == 4 else [digits])]


def said_digits(group: str, say: Callable[[int], str]) -> str:
    """A group of digits: zeros in front one by one, the rest as a number."""
    rest = group.lstrip("0")
    return " ".join([say(0)] * (len(group) - len(rest)) + ([say(int(rest))] if rest else []))


def _cut(digits: str, sizes: Sequence[int]) -> list[str]:
    groups = []
    for size in sizes:
        groups.append(digits[:size])
        digits = digits[size:]
    return groups
