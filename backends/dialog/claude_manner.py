"""How Claude is to behave on the telephone, and what is said in its place, read from `manners/*.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LANGUAGES = ("ru", "en")


@dataclass(frozen=True, slots=True)
class Manner:
    """One language: instructions for the model, notes to it by name, phrases for the caller by name. `looking`: what
    is said where the model asks for a tool without a word, in turn."""

    instructions: str
    notes: Mapping[str, str]
    phrases: Mapping[str, str]
    looking: tuple[str, ...]


@cache
def manner(language: str) -> Manner:
    """The manner for a BCP-47 language; for one without a file of its own the English one, which names it."""
    name = language.split("-")[0].lower()
    name = name if name in LANGUAGES else "en"
    data = tomllib.loads(files("backends.dialog.manners").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    phrases = dict(data["phrases"])
    looking = tuple(phrases.pop("looking"))
    instructions = data["instructions"].strip().replace("{language}", language)
    return Manner(instructions, data["notes"], phrases, looking)
