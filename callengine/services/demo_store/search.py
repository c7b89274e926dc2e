"""Finding products by what a caller says, in Russian or English. Pure.

Words are compared by stem (Snowball), with synonyms and spoken brand names from `data/words.toml`. Words of one kind
(category, season, brand) are alternatives; of different kinds, all must hold. A word that fits nothing in the shop
is reported, not required: a recogniser's slip must not turn a full shelf into "nothing found".
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer

from callengine.services.demo_store.sizes import keys_of_size, plain, take_sizes

_WORD = re.compile(r"[a-z]+\d[a-z\d]*|\d+[a-z][a-z\d]*|[a-z]+|[а-я]+|\d+")
_RUSSIAN = snowballstemmer.stemmer("russian")
_ENGLISH = snowballstemmer.stemmer("english")
_SHORTEST_GUESS = 5  # shorter words have too many neighbours for a guess to be honest
_GUESS_CUTOFF = 0.8
_NAME = "name"

# kind of word -> what it means -> how it is said; the shape of data/words.toml
Words = Mapping[str, Mapping[str, list[str]]]


@dataclass(frozen=True)
class Entry:
    """A product as search sees it: its words by stem, its sizes, and what ranks it."""

    product_id: str
    stems: frozenset[str]
    sizes: frozenset[str]


@dataclass(frozen=True)
class Index:
    """All products, the kind of each known stem, and the stems that never count."""

    entries: tuple[Entry, ...]
    kinds: Mapping[str, str]
    ignored: frozenset[str]


@dataclass(frozen=True)
class Found:
    """Product ids with how many asked words each has, best first, and the words that fit nothing in the shop."""

    scores: Mapping[str, int]
    unmatched: tuple[str, ...]


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """The stem of one plain word: «шинами» and «шины» alike; by its alphabet Russian or English."""
    return str((_RUSSIAN if "а" <= word[0] <= "я" else _ENGLISH).stemWord(word))


def words_of(text: str) -> list[str]:
    """The plain words and numbers of a text, in order."""
    return _WORD.findall(plain(text))


def stems_of(texts: Iterable[str]) -> frozenset[str]:
    """The stems of all words in some texts."""
    return frozenset(stem(word) for text in texts for word in words_of(text))


def build_index(products: Iterable[Mapping[str, object]], words: Words) -> Index:
    """Index products (rows of the product table) with the words of the shop."""
    kinds = {
        found: kind
        for kind in ("studded", "season", "category", "brand")
        for name, spoken in words[kind].items()
        for found in stems_of([*spoken, name] if kind == "brand" else spoken)
    }
    return Index(tuple(_entry(product, words) for product in products), kinds, stems_of(_flat(words["ignore"])))


def find(index: Index, text: str) -> Found:
    """The products that a text asks for; nothing known in it finds nothing."""
    sizes, rest = take_sizes(text)
    known = {known_stem for entry in index.entries for known_stem in entry.stems}
    wanted: dict[str, set[str]] = {}
    unmatched = []
    numbers = set()
    for word in words_of(rest):
        found = stem(word)
        if word.isdigit():
            numbers.add(found)  # "4 tyres" as well as "Primacy 4": ranks, never required
        elif found in index.ignored:
            continue
        elif guess := found if found in known else _guess(found, known):
            wanted.setdefault(index.kinds.get(guess, _NAME), set()).add(guess)
        elif word not in unmatched:
            unmatched.append(word)
    if not wanted and not sizes:
        return Found({}, tuple(unmatched))
    asked = numbers.union(*wanted.values())
    hits = [entry for entry in index.entries if sizes <= entry.sizes and _fits(entry, wanted)]
    return Found({entry.product_id: len(asked & entry.stems) for entry in hits}, tuple(unmatched))


def same_brand(asked: str, brand: str, words: Words) -> bool:
    """Whether a brand as somebody says it («мишлен») is this brand."""
    names = stems_of([brand, *words["brand"].get(brand, [])])
    return any(found in names or _guess(found, names) is not None for found in stems_of([asked]))


def _fits(entry: Entry, wanted: Mapping[str, set[str]]) -> bool:
    return all(
        stems <= entry.stems if kind == _NAME else not stems.isdisjoint(entry.stems) for kind, stems in wanted.items()
    )


def _guess(unknown: str, known: Iterable[str]) -> str | None:
    if len(unknown) < _SHORTEST_GUESS:
        return None
    return next(iter(difflib.get_close_matches(unknown, known, n=1, cutoff=_GUESS_CUTOFF)), None)


def _entry(product: Mapping[str, object], words: Words) -> Entry:
    brand, category, season = str(product["brand"]), str(product["category"]), product["season"]
    spoken = [*words["category"][category], *words["brand"].get(brand, [])]
    if season is not None:
        spoken += words["season"][str(season)]
    if product["studded"] is not None:
        spoken += words["studded"]["yes" if product["studded"] else "no"]
    names = [str(product[column]) for column in ("brand", "model", "name_ru", "name_en")]
    return Entry(str(product["id"]), stems_of(spoken + names), keys_of_size(str(product["size"])))


def _flat(lists: Mapping[str, list[str]]) -> list[str]:
    return [word for words in lists.values() for word in words]
