"""Figures in a Russian text as they are said: prices, sizes, dates, times, telephone and order numbers. Pure."""

import re
from decimal import Decimal
from functools import partial

from callengine.voice.figures import (
    GAP,
    LONGEST_SAID,
    NUMBER,
    TELEPHONE,
    in_pairs,
    in_threes,
    number_of,
    said_digits,
    telephone_groups,
)
from callengine.voice.rewriting import Rule, Say, apart
from callengine.voice.russian_numbers import (
    HOUR,
    KOPECK,
    MINUTE,
    ROUBLE,
    Case,
    Gender,
    Noun,
    agreeing,
    cardinal,
    case_before,
    counted,
    decimal,
    ordinal,
)

_MONTHS = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
]
_MULTIPLES = {"тыс": 1000, "млн": 1_000_000, "млрд": 1_000_000_000}
_MONEY = {
    "₽": (ROUBLE, KOPECK),
    "$": (Noun("m", "доллар", "доллара", "долларов"), Noun("m", "цент", "цента", "центов")),
    "€": (Noun("m", "евро", "евро", "евро"), Noun("m", "цент", "цента", "центов")),
}
_UNITS = {
    "шт": Noun("f", "штука", "штуки", "штук"),
    "коп": KOPECK,
    "мм": Noun("m", "миллиметр", "миллиметра", "миллиметров"),
    "см": Noun("m", "сантиметр", "сантиметра", "сантиметров"),
    "м": Noun("m", "метр", "метра", "метров"),
    "км/ч": Noun("m", "километр в час", "километра в час", "километров в час"),
    "км": Noun("m", "километр", "километра", "километров"),
    "кг": Noun("m", "килограмм", "килограмма", "килограммов"),
    "г": Noun("m", "грамм", "грамма", "граммов"),
    "л": Noun("m", "литр", "литра", "литров"),
    "мл": Noun("m", "миллилитр", "миллилитра", "миллилитров"),
    "мин": MINUTE,
    "ч": HOUR,
    "сек": Noun("f", "секунда", "секунды", "секунд"),
    "атм": Noun("f", "атмосфера", "атмосферы", "атмосфер"),
    "бар": Noun("m", "бар", "бара", "бар"),
    "ач": Noun("m", "ампер-час", "ампер-часа", "ампер-часов"),
    "в": Noun("m", "вольт", "вольта", "вольт"),
    "л.с": Noun("f", "лошадиная сила", "лошадиные силы", "лошадиных сил"),
    "%": Noun("m", "процент", "процента", "процентов"),
    "°": Noun("m", "градус", "градуса", "градусов"),
}
# «12 в» may be a preposition: these stand for a unit right behind the figure, or where the sentence stops
_SHORT = ("в", "г", "м", "л", "ч")
_ORDINALS: dict[str, tuple[Gender, Case, bool]] = {
    "й": ("m", "n", False), "ый": ("m", "n", False), "ий": ("m", "n", False), "ой": ("m", "n", False),
    "я": ("f", "n", False), "ая": ("f", "n", False), "ю": ("f", "a", False), "ую": ("f", "a", False),
    "е": ("n", "n", False), "ое": ("n", "n", False), "го": ("m", "g", False), "ого": ("m", "g", False),
    "му": ("m", "d", False), "ому": ("m", "d", False), "м": ("m", "p", False), "ом": ("m", "p", False),
    "х": ("m", "g", True), "ых": ("m", "g", True),
}  # fmt: skip
_THOUSANDS = rf"(?:{GAP}*(?P<times>тыс|млн|млрд)(?:\.|(?![а-яё])))?"
_DOT = r"(?:\.(?=\s+[а-яёa-z]|\s*[,;:)]))?"
_TIME = r"(?:[01]?\d|2[0-4]):[0-5]\d"
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True) if unit not in _SHORT)

_number = partial(number_of, decimal_comma=True)


def _price(match: re.Match[str]) -> str:
    whole, part = _MONEY.get(match["sign"] or match["before"] or "₽", _MONEY["₽"])
    amount = _number(match["number"]) * _MULTIPLES.get(match["times"] or "", 1)
    case = case_before(match.string, match.start())
    units, rest = divmod(amount, 1)
    said = counted(units, whole, case)
    hundredths = round(rest * 100)
    return f"{said} {counted(Decimal(hundredths), part, case)}" if hundredths else said


def _quantity(match: re.Match[str]) -> str:
    amount = _number(match["number"]) * _MULTIPLES.get(match["times"] or "", 1)
    unit = (match["unit"] or match["short"]).lower().replace("·", "").rstrip(".")
    return counted(amount, _UNITS[unit], case_before(match.string, match.start()))


def _thousands(match: re.Match[str]) -> str:
    return _said(_number(match["number"]) * _MULTIPLES[match["times"]], match)


def _size(match: re.Match[str]) -> str:
    return " на ".join(_short(figure) for figure in re.findall(r"[0-9]+(?:[.,][0-9]+)?", match[0]))


def _rim(match: re.Match[str]) -> str:
    return f"эр {_short(match['rim'])}"


def _short(figure: str) -> str:
    """A measure as it is said across the counter: «шесть и пять»."""
    whole, _, rest = figure.replace(",", ".").partition(".")
    said = said_digits(whole[-LONGEST_SAID:], cardinal)
    return f"{said} и {said_digits(rest[:LONGEST_SAID], cardinal)}" if rest else said


def _date(match: re.Match[str]) -> str | None:
    day, month, year = int(match["day"]), int(match["month"]), match["year"] or ""
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return None
    said = f"{_day(day, match)} {_MONTHS[month - 1]}"
    return f"{said} {_year(year)}" if year else said


def _day_of_month(match: re.Match[str]) -> str | None:
    if not 1 <= int(match["day"]) <= 31:
        return None
    said = f"{_day(int(match['day']), match)} {match['name']}"
    return f"{said} {_year(match['year'])}" if match["year"] else said


def _day(day: int, match: re.Match[str]) -> str:
    """«двадцать четвёртого» (when), «на двадцать четвёртое», «к двадцать четвёртому»."""
    cases: dict[Case, Case] = {"a": "n", "d": "d"}
    return ordinal(day, "n", cases.get(case_before(match.string, match.start()), "g"))


def _year(year: str) -> str:
    number = int(year) + (2000 if len(year) == 2 else 0)
    return f"{ordinal(number, 'm', 'g')} года"


def _in_year(match: re.Match[str]) -> str:
    """«в две тысячи двадцать шестом году», «к … шестому году»."""
    forms: dict[str, Case] = {"год": "n", "года": "g", "годом": "i", "годе": "p", "году": "p"}
    before = case_before(match.string, match.start())
    return ordinal(int(match["year"]), "m", "d" if before == "d" else forms[match["form"].lower()])


def _time(match: re.Match[str]) -> str:
    return _clock(match[0], case_before(match.string, match.start()))


def _hours(match: re.Match[str]) -> str:
    return f"с {_clock(match['from'], 'g')} до {_clock(match['to'], 'g')}"


def _clock(written: str, case: Case) -> str:
    hours, minutes = (Decimal(part) for part in written.split(":"))
    said = counted(hours, HOUR, case)
    return f"{said} {counted(minutes, MINUTE, case)}" if minutes else said


def _telephone(match: re.Match[str]) -> str:
    plus = "плюс " if match[0].startswith("+") else ""
    return plus + ", ".join(said_digits(group, cardinal) for group in telephone_groups(match[0]))


def _order(match: re.Match[str]) -> str:
    word = "номер " if match["sign"] else ""
    digits = match["digits"]
    if len(digits) <= 3 and digits[0] != "0":  # «заказ 2 шины»
        said = agreeing(int(digits), match.string, match.start("digits"), match.end("digits"))
    else:
        said = " ".join(said_digits(group, cardinal) for group in in_pairs(digits))
    return (match["word"] or "") + word + said


def _article(match: re.Match[str]) -> str:
    return " " + " ".join(said_digits(group, cardinal) for group in in_pairs(match["digits"]))


def _ordinal(match: re.Match[str]) -> str | None:
    number = int(match["digits"])
    if match["ending"] in ("ти", "и"):
        return cardinal(number, case="g")
    form = _ORDINALS.get(match["ending"])
    return ordinal(number, *form) if form else None


def _plain(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    if len(digits) > LONGEST_SAID or (len(digits) > 1 and match[0][0] == "0" and match[0][1] not in ".,"):
        return ", ".join(said_digits(group, cardinal) for group in in_threes(digits))
    return _said(_number(match[0]), match)


def _said(number: Decimal, match: re.Match[str]) -> str:
    if number == int(number):
        return agreeing(int(number), match.string, match.start(), match.end())
    return decimal(number)


def _rule(pattern: str, say: Say) -> Rule:
    return re.compile(pattern, re.IGNORECASE), say


_START = r"(?<![\d.,])"
_N = rf"(?P<number>{NUMBER})"
_CURRENCY = r"(?P<sign>[₽$€])|(?:рублей|рубля|рубль|руб|RUB|р)\b"
_YEAR_WORD = rf"(?:{GAP}?(?:года\b|г\.))?"
_NUMBERED = rf"\b(?:заказ[а-яё]*|артикул[а-яё]*|код[а-яё]*|номер[а-яё]*):?{GAP}+"
_MEASURE = r"\d+(?:[.,]\d+)?"
_LONG_UNIT = rf"(?P<unit>{_UNIT}|а·ч)(?![а-яёa-z]){_DOT}"
_SHORT_UNIT = rf"(?P<short>(?<=\d)[вгмлч](?![а-яёa-z])|[вгмлч](?={GAP}*(?:[,.;:!?)]|$)))"

RULES: tuple[Rule, ...] = (
    (TELEPHONE, _telephone),
    _rule(r"(?<![\w)])[-−](?=\d)", lambda _: "минус "),
    _rule(rf"(?P<before>[$€])?{_START}{_N}{_THOUSANDS}{GAP}*(?:{_CURRENCY}){_DOT}", _price),
    _rule(rf"(?P<before>[$€])(?P<sign>){_N}{_THOUSANDS}", _price),
    _rule(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)", _date),
    _rule(rf"{_START}(?P<day>\d\d?)[./](?P<month>\d\d)[./](?P<year>\d{{4}}|\d\d)(?!\d){_YEAR_WORD}", _date),
    _rule(r"(?<![\d.,/])(?P<day>\d\d)\.(?P<month>\d\d)(?P<year>)(?![\d%°]|[.,/]\d)", _date),
    _rule(
        rf"(?<!\d)(?P<day>\d\d?){GAP}+(?P<name>{'|'.join(_MONTHS)})\b(?:{GAP}+(?P<year>\d{{4}}){_YEAR_WORD})?",
        _day_of_month,
    ),
    _rule(rf"{_START}(?P<year>[12]\d{{3}})(?={GAP}(?P<form>год|года|году|годом|годе)\b)", _in_year),
    _rule(rf"(?<![\d:])(?P<from>{_TIME}){GAP}?[-–—]{GAP}?(?P<to>{_TIME})(?![\d:])", _hours),
    _rule(rf"(?<![\d:])(?:{_TIME})(?![\d:])", _time),
    _rule(r"(?<![\d/.,])\d{2,3}(?:[.,]\d+)?\s?/\s?\d{2}(?:[.,]\d+)?(?![\d/])", apart(_size)),
    _rule(rf"(?<!\d){_MEASURE}(?:\s?[xх×*]\s?{_MEASURE})+", apart(_size)),
    _rule(r"(?<![а-яёa-z])[RР]\s?(?P<rim>\d{2}(?:[.,]\d)?)(?!\d)", apart(_rim)),
    _rule(rf"{_START}{_N}{_THOUSANDS}{GAP}*(?:{_LONG_UNIT}|{_SHORT_UNIT})", _quantity),
    _rule(rf"{_START}{_N}{GAP}*(?P<times>тыс|млн|млрд)(?:\.|(?![а-яё]))", _thousands),
    _rule(rf"(?P<word>{_NUMBERED})?(?P<sign>[№#]{GAP}*)(?P<digits>\d+)(?![\d.,]\d)", _order),
    _rule(rf"(?P<word>{_NUMBERED}(?:номер{GAP}+)?)(?P<sign>)(?P<digits>\d+)(?![\d.,]\d|{GAP}\d)", _order),
    _rule(r"(?<=[a-zа-яё])-?(?P<digits>\d{4,})(?![\d.,]\d)", _article),
    _rule(rf"{_START}(?P<digits>\d{{1,9}})-(?P<ending>[а-яё]{{1,3}})(?![а-яё])", _ordinal),
    _rule(r"\+(?=\s?\d)", lambda _: " плюс "),
    _rule(r"(?<=[a-zа-яё])-(?=\d)", lambda _: " "),
    _rule(NUMBER, apart(_plain)),
    _rule(r"\d+", apart(lambda match: ", ".join(said_digits(group, cardinal) for group in in_threes(match[0])))),
    _rule("№", lambda _: " номер "),
    _rule("%", lambda _: " процентов "),
    _rule("°", lambda _: " градусов "),
    _rule("₽", lambda _: " рублей "),
    _rule("&", lambda _: " и "),
)
