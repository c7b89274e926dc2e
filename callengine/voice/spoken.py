"""A prompt's text as it is to be spoken: figures in words of the caller's language, nothing that only an eye can read.

Russian and English figures become words; in other languages the voice reads them itself, with their groups joined.
Pure."""

import re
from functools import lru_cache

from callengine.voice import english, markup, russian
from callengine.voice.figures import GAP, NUMBER
from callengine.voice.rewriting import Rule, SpokenText, rewrite, unspoken

_KEPT = 512  # fixed phrases are asked for in every call
_GROUPED: tuple[Rule, ...] = ((re.compile(NUMBER), lambda match: re.sub(GAP, "", match[0])),)


@lru_cache(maxsize=_KEPT)
def spoken_text(text: str, language: str) -> SpokenText:
    """What a voice is given for a text in a language (BCP-47). Any text is taken."""
    tongue = language.split("-")[0].lower()
    return rewrite(unspoken(text), (*markup.rules(tongue), *_figures(language, tongue), *markup.leftovers()))


def word_starts(text: str) -> tuple[int, ...]:
    """Where the words of a text (runs without white space) begin."""
    return tuple(word.start() for word in re.finditer(r"\S+", text))


@lru_cache
def _figures(language: str, tongue: str) -> tuple[Rule, ...]:
    if tongue == "ru":
        return russian.RULES
    return english.rules(month_first=language.lower() == "en-us") if tongue == "en" else _GROUPED
