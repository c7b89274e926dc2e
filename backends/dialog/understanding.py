"""What one utterance asks: intents, and what is said of goods, sizes and numbers. Pure."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from backends.dialog.matching import is_said, which_said, with_figures, words_of
from backends.dialog.vocabulary import Vocabulary
from backends.dialog.vocabulary import vocabulary as load_vocabulary

# Over the words and figures of `with_figures`. A tyre is width, height, rim (ISO 4000-1): "205 на 55 16", "2055516".
_RIM = r"(1[2-9]|2[0-4])"
_TYRE = re.compile(
    rf"(?<!\d)([1-3]\d5)(?: (?:на|by|x|х|slash|слэш|дробь))? ?([3-8][05])"
    rf"(?: (?:на|by|and|r|р|эр|ар|радиус\w*|radius))* ?{_RIM}(?!\d)"
)
_DIGITS_OF_TYRE = re.compile(rf"([1-3]\d5)([3-8][05]){_RIM}")
# What is said between height and rim may be heard as a number: "225-45-75-17" for «на семнадцать» (Whisper base).
_NUMBER_BETWEEN = re.compile(rf"(?<!\d)([1-3]\d5) ([3-8][05]) \d{{1,2}} {_RIM}(?!\d)")
_BATTERY = re.compile(r"\b(\d{2,3}) (?:ампер\w*|а ч|ач|ah|a h|amp\w*)")
_BOLTS = re.compile(r"\b([3-6]) (?:на|x|х|by) (98|100|105|108|110|112|114(?: 3)?|118|120|127|130|139(?: 7)?)(?!\d)")
_WHEEL = re.compile(rf"\b(?:r|р|эр|ар|радиус\w*|radius) {_RIM}\b|\b{_RIM} (?:радиус\w*|дюйм\w*|inch\w*)")
_BOLT_CIRCLES = {"114": "114.3", "114 3": "114.3", "139": "139.7", "139 7": "139.7"}


@dataclass(frozen=True, slots=True)
class Goods:
    """What is said of goods, in the words of the Store's `find_products`; empty where nothing is."""

    category: str = ""
    season: str = ""
    size: str = ""
    brand: str = ""
    text: str = ""

    @property
    def arguments(self) -> dict[str, str]:
        return {
            name: value for name in ("text", "category", "size", "season", "brand") if (value := getattr(self, name))
        }


@dataclass(frozen=True, slots=True)
class Understood:
    """One utterance. `digits`: all its figures in a row; `ordinal`: 0 for "the first"."""

    text: str
    intents: frozenset[str]
    goods: Goods
    digits: str
    numbers: tuple[int, ...]
    ordinal: int | None
    words: tuple[str, ...] = field(repr=False)

    def has(self, *intents: str) -> bool:
        return not self.intents.isdisjoint(intents)


def understand(text: str, vocabulary: Vocabulary) -> Understood:
    """What an utterance asks, as well as it can be told."""
    return _understand(text, vocabulary.language)


@lru_cache(maxsize=1024)  # a history is read anew for every reply
def _understand(text: str, language: str) -> Understood:
    vocabulary = load_vocabulary(language)
    words = words_of(text)
    figures = with_figures(text, vocabulary)
    numbers = re.findall(r"\d+", figures)
    ordinals = (at for at, stems in enumerate(vocabulary.ordinals) if is_said(words, stems))
    return Understood(
        text=text,
        intents=frozenset(name for name, stems in vocabulary.intents.items() if is_said(words, stems)),
        goods=_goods(words, figures, vocabulary),
        digits="".join(numbers),
        numbers=tuple(map(int, numbers)),
        ordinal=next(ordinals, None),
        words=tuple(words),
    )


def bare_size(category: str, understood: Understood) -> str:
    """A size from an answer to "what size": «шестнадцать» for wheels and tyres, «шестьдесят» for a battery."""
    if len(understood.numbers) != 1:
        return ""
    number = understood.numbers[0]
    if category == "battery":
        return f"{number} Ah" if 30 <= number <= 250 else ""
    return f"R{number}" if 12 <= number <= 24 else ""


def _goods(words: list[str], figures: str, vocabulary: Vocabulary) -> Goods:
    size, of_category = _size(figures)
    category = which_said(words, vocabulary.category) or of_category
    season = which_said(words, vocabulary.season) or ""
    return Goods(
        category=category or ("tyre" if season else ""),
        season=season,
        size=size,
        brand=which_said(words, vocabulary.brand) or "",
        text=which_said(words, vocabulary.studded) or "",
    )


def _size(figures: str) -> tuple[str, str]:
    """The size said, and the category it gives away."""
    digits = "".join(re.findall(r"\d", figures))
    if tyre := _TYRE.search(figures) or _DIGITS_OF_TYRE.fullmatch(digits) or _NUMBER_BETWEEN.search(figures):
        return f"{tyre[1]}/{tyre[2]} R{tyre[3]}", "tyre"
    if battery := _BATTERY.search(figures):
        return f"{battery[1]} Ah", "battery"
    if bolts := _BOLTS.search(figures):
        return f"{bolts[1]}x{_BOLT_CIRCLES.get(bolts[2], bolts[2])}", "wheel"
    if rim := _WHEEL.search(figures):
        return f"R{rim[1] or rim[2]}", ""
    return "", ""
