"""The words of one language, read from `languages/*.toml`: what callers say, and what the shop agent answers."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("ru", "en")

Stems = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Vocabulary:
    """One language. In stems a word beginning so counts, `=word` stands for that word alone, a space for "in a row"."""

    language: str
    intents: Stems
    category: Stems
    season: Stems
    studded: Stems
    brand: Stems
    ordinals: tuple[tuple[str, ...], ...]
    number_words: Mapping[str, int]
    thousand: tuple[str, ...]
    joined_hundreds: bool  # "two twenty five" is 225
    units: Mapping[str, Any]
    status: Mapping[str, str]
    phrases: Mapping[str, str]

    def say(self, phrase: str, **values: object) -> str:
        """A phrase by name, with its values in place."""
        return self.phrases[phrase].format(**values)


@cache
def vocabulary(language: str) -> Vocabulary:
    """The vocabulary for a BCP-47 language; English for one the agent does not speak."""
    name = language.split("-")[0].lower()
    name = name if name in LANGUAGES else "en"
    data = tomllib.loads(files("backends.dialog.languages").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    kinds = {kind: _stems(data[kind]) for kind in ("intents", "category", "season", "studded", "brand")}
    numbers = data["numbers"]
    return Vocabulary(
        language=name,
        **kinds,
        ordinals=tuple(tuple(stems) for stems in data["ordinals"]["words"]),
        number_words={word: int(value) for value, words in numbers["words"].items() for word in words.split()},
        thousand=tuple(numbers["thousand"]),
        joined_hundreds=numbers["joined_hundreds"],
        units=data["units"],
        status=data["status"],
        phrases=data["phrases"],
    )


def _stems(table: Mapping[str, list[str]]) -> Stems:
    return {name: tuple(stems) for name, stems in table.items()}
