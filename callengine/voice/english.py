"""Figures in an English text as they are said: prices, sizes, dates, times, telephone and order numbers. Pure."""

import re
from decimal import Decimal
from functools import partial

from num2words import num2words

from callengine.voice.figures import (
    GAP,
    LONGEST_SAID,
    NUMBER,
    TELEPHONE,
    in_threes,
    number_of,
    said_digits,
    telephone_groups,
)
from callengine.voice.rewriting import Rule, Say, apart

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_SHORT_MONTHS = {month[:3].lower(): month for month in _MONTHS}
_MONEY = {
    "₽": ("rouble", "kopeck"), "rub": ("rouble", "kopeck"), "$": ("dollar", "cent"), "usd": ("dollar", "cent"),
    "€": ("euro", "cent"), "eur": ("euro", "cent"), "£": ("pound", "penny"), "gbp": ("pound", "penny"),
}  # fmt: skip
_UNITS = {
    "pcs": "piece", "mm": "millimetre", "cm": "centimetre", "m": "metre", "km": "kilometre", "kg": "kilogram",
    "g": "gram", "l": "litre", "ml": "millilitre", "min": "minute", "sec": "second", "ah": "ampere hour", "v": "volt",
    "psi": "p s i", "bar": "bar", "%": "per cent", "°": "degree", "lb": "pound", "oz": "ounce",
}  # fmt: skip
_UNCOUNTED = ("per cent", "p s i", "bar")
_TIMES = {"k": 1000, "thousand": 1000, "million": 1_000_000, "mln": 1_000_000}
_number = partial(number_of, decimal_comma=False)


def cardinal(number: int) -> str:
    """ "one thousand two hundred and five"; a number nobody could follow is said in groups of its digits."""
    if number >= 10**LONGEST_SAID:
        return ", ".join(said_digits(group, cardinal) for group in in_threes(str(number)))
    return str(num2words(number, lang="en")).replace(",", "")


def _said(number: Decimal) -> str:
    whole, _, rest = f"{number:f}".partition(".")
    return f"{cardinal(int(whole))} point {_digits(rest)}" if rest.strip("0") else cardinal(int(whole))


def _counted(number: Decimal, noun: str) -> str:
    plural = noun if number == 1 or noun in _UNCOUNTED else "pence" if noun == "penny" else f"{noun}s"
    return f"{_said(number)} {plural}"


def _digits(digits: str) -> str:
    return " ".join(cardinal(int(digit)) for digit in digits)


def _price(match: re.Match[str]) -> str:
    sign = next(found.lower() for found in (match["before"], match["after"]) if found)
    sign = "₽" if sign.startswith(("rouble", "ruble")) else sign
    whole, part = _MONEY[sign]
    amount = _number(match["number"]) * _TIMES.get((match["times"] or "").lower(), 1)
    units, rest = divmod(amount, 1)
    hundredths = round(rest * 100)
    said = _counted(units, whole)
    return f"{said} {_counted(Decimal(hundredths), part)}" if hundredths else said


def _quantity(match: re.Match[str]) -> str:
    return _counted(_number(match["number"]), _UNITS[match["unit"].lower()])


def _short(figure: str) -> str:
    """A measure as it is said across the counter: "two oh five", "two twenty-five", "six point five"."""
    whole, _, rest = figure.replace(",", ".").partition(".")
    if len(whole) == 3 and whole[0] != "0" and whole[1:] != "00":
        said = f"{cardinal(int(whole[0]))} {'oh ' if whole[1] == '0' else ''}{cardinal(int(whole[1:]))}"
    else:
        said = said_digits(whole[-LONGEST_SAID:], cardinal)
    return f"{said} point {_digits(rest)}" if rest else said


def _size(match: re.Match[str]) -> str:
    by = " by " if re.search("[xх×*]", match[0], re.IGNORECASE) else " "
    return by.join(_short(figure) for figure in re.findall("[0-9]+(?:[.,][0-9]+)?", match[0]))


def _rim(match: re.Match[str]) -> str:
    return f"R {_short(match['rim'])}"


def _iso_date(match: re.Match[str]) -> str | None:
    return _date(match["day"], match["month"], match["year"])


def _british_date(match: re.Match[str]) -> str | None:
    first, second, year = match.group("first", "second", "year")
    return _date(first, second, year) or _date(second, first, year)


def _american_date(match: re.Match[str]) -> str | None:
    first, second, year = match.group("first", "second", "year")
    return _date(second, first, year) or _date(first, second, year)


def _date(day: str, month: str, year: str) -> str | None:
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return None
    return f"the {_ordinal(int(day))} of {_MONTHS[int(month) - 1]} {_year(year)}"


def _day_first(match: re.Match[str]) -> str:
    year = f" {_year(match['year'])}" if match["year"] else ""
    article = "" if re.search(r"\bthe\s+$", match.string[: match.start()], re.IGNORECASE) else "the "
    return f"{article}{_ordinal(int(match['day']))} of {_SHORT_MONTHS[match['name'][:3].lower()]}{year}"


def _month_first(match: re.Match[str]) -> str:
    year = f" {_year(match['year'])}" if match["year"] else ""
    return f"{_SHORT_MONTHS[match['name'][:3].lower()]} {_ordinal(int(match['day']))}{year}"


def _ordinal(number: int) -> str:
    return str(num2words(number, lang="en", to="ordinal")).replace(",", "")


def _year(year: str) -> str:
    number = int(year) + (2000 if len(year) == 2 else 0)
    return str(num2words(number, lang="en", to="year")) if number >= 1000 else cardinal(number)


def _time(match: re.Match[str]) -> str:
    return _clock(match["hour"], match["minute"], match["half"] or "")


def _clock(hour: str, minute: str, half: str) -> str:
    """ "ten thirty AM"; of a clock of 24 hours the afternoon is named, the morning goes without saying."""
    hours, minutes = int(hour), int(minute)
    name = half[:1].upper() or ("P" if hours > 12 or (hours == 12 and minutes) else "A" if hours in (0, 24) else "")
    if hours in (0, 24):
        name = "A"
    said = cardinal(hours % 12 or 12)
    if minutes:
        said += f" oh {cardinal(minutes)}" if minutes < 10 else f" {cardinal(minutes)}"
    return f"{said} {name}M" if name else said if minutes else f"{said} o'clock"


def _hour(match: re.Match[str]) -> str:
    return f"{cardinal(int(match['hour']))} {match['half'][0].upper()}M"


def _hours(match: re.Match[str]) -> str:
    times = (written.split(":") for written in match.group("from", "to"))
    return " to ".join(_clock(hour, minute, "a" if int(hour) < 12 else "p") for hour, minute in times)


def _telephone(match: re.Match[str]) -> str:
    plus = "plus " if match[0].startswith("+") else ""
    return plus + ", ".join(_digits(group) for group in telephone_groups(match[0]))


def _order(match: re.Match[str]) -> str:
    word = "number " if match["sign"] else ""
    digits = match["digits"]
    return (match["word"] or "") + word + (_digits(digits) if len(digits) > 3 else said_digits(digits, cardinal))


def _nth(match: re.Match[str]) -> str:
    return _ordinal(int(match["digits"]))


def _plain(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    if len(digits) > LONGEST_SAID or (len(digits) > 1 and match[0][0] == "0" and match[0][1] not in ".,"):
        return ", ".join(_digits(group) for group in in_threes(digits))
    return _said(_number(match[0]))


def _rule(pattern: str, say: Say) -> Rule:
    return re.compile(pattern, re.IGNORECASE), say


_START = r"(?<![\d.,])"
_N = rf"(?P<number>{NUMBER})"
_TIME = r"(?:[01]?\d|2[0-4]):[0-5]\d"
_HALF = rf"(?:{GAP}?(?P<half>[ap]\.?m\b\.?))"
_MONTH = "(?P<name>" + "|".join(f"{month}|{month[:3]}" for month in _MONTHS) + r")\b\.?"
_MANY = rf"(?:{GAP}*(?P<times>k|thousand|million|mln)\b)?"
_AFTER = r"(?P<after>[₽$€£]|(?:roubles?|rubles?|rub|usd|eur|gbp)\b)"
_NUMBERED = rf"\b(?:orders?|numbers?|no\.|codes?|articles?|references?):?{GAP}+(?:numbers?{GAP}+|no\.{GAP}+)?"
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_MEASURE = r"\d+(?:[.,]\d+)?"
_SLASHES = r"(?<!\d)(?P<first>\d\d?)[./](?P<second>\d\d?)[./](?P<year>\d{4}|\d\d)(?!\d)"


def rules(*, month_first: bool) -> tuple[Rule, ...]:
    """The rules, in order; `month_first`: 11/24/2026 is in November."""
    return (
        (TELEPHONE, _telephone),
        _rule(r"(?<![\d-])\d{3}-\d{4}(?![\d-])", _telephone),
        _rule(r"(?<![\w)])[-−](?=\d)", lambda _: "minus "),
        _rule(rf"(?P<before>[₽$€£]){GAP}?{_N}{_MANY}(?P<after>)", _price),
        _rule(rf"(?P<before>){_START}{_N}{_MANY}{GAP}*{_AFTER}", _price),
        _rule(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)", _iso_date),
        _rule(_SLASHES, _american_date if month_first else _british_date),
        _rule(
            rf"(?<!\d)(?P<day>[0-3]?\d)(?:st|nd|rd|th)?(?:{GAP}of)?{GAP}{_MONTH}(?:,?{GAP}(?P<year>\d{{4}})\b)?",
            _day_first,
        ),
        _rule(
            rf"\b{_MONTH}{GAP}(?P<day>[0-3]?\d)(?:st|nd|rd|th)?(?![\d:])(?:,?{GAP}(?P<year>\d{{4}})\b)?", _month_first
        ),
        _rule(rf"(?<![\d:])(?P<from>{_TIME}){GAP}?[-–—]{GAP}?(?P<to>{_TIME})(?![\d:])", _hours),
        _rule(rf"(?<![\d:])(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d){_HALF}?(?![\d:])", _time),
        _rule(rf"(?<![\d:.,])(?P<hour>1[0-2]|[1-9]){_HALF}", _hour),
        _rule(r"(?<![\d/.,])\d{2,3}(?:[.,]\d+)?\s?/\s?\d{2}(?:[.,]\d+)?(?![\d/])", apart(_size)),
        _rule(rf"(?<!\d){_MEASURE}(?:\s?[xх×*]\s?{_MEASURE})+", apart(_size)),
        _rule(r"(?<![a-z])R\s?(?P<rim>\d{2}(?:[.,]\d)?)(?!\d)", apart(_rim)),
        _rule(rf"{_START}{_N}{GAP}*(?P<unit>{_UNIT})(?![a-z])", _quantity),
        _rule(rf"(?P<word>{_NUMBERED})?(?P<sign>[№#]{GAP}*)(?P<digits>\d+)(?![\d.,]\d)", _order),
        _rule(rf"(?P<word>{_NUMBERED})(?P<sign>)(?P<digits>\d+)(?![\d.,]\d|{GAP}\d)", _order),
        _rule(r"(?<=[a-z])-?(?P<digits>\d{4,})(?![\d.,]\d)", lambda match: " " + _digits(match["digits"])),
        _rule(rf"{_START}(?P<digits>\d{{1,9}})(?:st|nd|rd|th)\b", _nth),
        _rule(r"\+(?=\s?\d)", lambda _: " plus "),
        _rule(r"(?<=[a-z])-(?=\d)", lambda _: " "),
        _rule(NUMBER, apart(_plain)),
        _rule(r"\d+", apart(lambda match: ", ".join(_digits(group) for group in in_threes(match[0])))),
        _rule("№", lambda _: " number "),
        _rule("%", lambda _: " per cent "),
        _rule("°", lambda _: " degrees "),
        _rule("₽", lambda _: " roubles "),
        _rule("&", lambda _: " and "),
    )
