"""What is written for the eye: markdown, lists, links, addresses, emoji. None of it reaches the voice. Pure."""

import re
import unicodedata
from functools import cache

from callengine.voice.rewriting import Rule

_HOST = r"(?:[^\W_](?:[\w-]*[^\W_])?\.)+(?:ru|com|org|net|info|su|io|shop|store|online|dev|uk|de|eu|kz|by|рф)"
_KEPT_SYMBOLS = frozenset("№°₽$€£%+×=&@")
_DOT = {"ru": " точка ", "en": " dot "}
_AT = {"ru": " собака ", "en": " at "}


@cache
def rules(tongue: str) -> tuple[Rule, ...]:
    """The rules for a language (`ru`, `en`, …), in order."""
    dot, at = _DOT.get(tongue, " . "), _AT.get(tongue, " ")

    def host(match: re.Match[str]) -> str:
        return match["host"].removeprefix("www.").replace(".", dot)

    def mailbox(match: re.Match[str]) -> str:
        return match["name"].replace(".", dot) + at + match["host"].replace(".", dot)

    return (
        (re.compile(r"[^\x20-\x7eА-яЁё]"), _plain_character),
        (re.compile(r"```\w*|~~~\w*"), lambda _: " "),
        (re.compile(r"!?\[([^\[\]]*)\]\(([^()\s]*)[^()]*\)"), lambda match: match[1] or " "),
        (re.compile(r"</?[a-zA-Z][^<>]*>|&(?:nbsp|amp|lt|gt|quot|#\w+);"), _tag),
        (re.compile(rf"(?P<name>[\w.+-]*\w)@(?P<host>{_HOST})\b", re.IGNORECASE), mailbox),
        (re.compile(rf"\b(?:https?://|ftp://)(?P<host>{_HOST})\b(?:[:/?#][^\s<>]*[\w/])?", re.IGNORECASE), host),
        (re.compile(r"\b[a-z]{2,9}://\S*[\w/]", re.IGNORECASE), lambda _: " "),
        (re.compile(rf"\b(?P<host>{_HOST})\b(?:/[^\s<>]*[\w/])?", re.IGNORECASE), host),
        # a table's line of dashes, a rule, a heading, a quotation, a bullet, a numbered item
        (re.compile(r"^[ \t|:=_*-]{3,}$", re.MULTILINE), lambda _: " "),
        (re.compile(r"^[ \t]*(?:#{1,6}[ \t]|>[ \t]?|[-*+•–—][ \t]+)+", re.MULTILINE), lambda _: ""),
        (re.compile(r"\*\*|__|~~"), lambda _: ""),
    )


@cache
def leftovers() -> tuple[Rule, ...]:
    """The last of the rules: signs that no rule has made a word of, and the gaps that the others left."""
    return (
        (re.compile(r"[<>{}\[\]\\|^~`*_#=+@$€£₽%&№°×/]+"), lambda _: " "),
        (re.compile(r"\s+"), lambda match: None if match[0] == " " else " "),
        (re.compile(r" (?=[,.;:!?…)»])"), lambda _: ""),
        (re.compile(r"^[ •–—-]+| +$"), lambda _: ""),
    )


def _plain_character(match: re.Match[str]) -> str | None:
    """One character beyond ASCII and Russian: a figure of another script as ours, an emoji or a control as nothing."""
    character = match[0]
    if character in "\n\r\t\v\f" or character in _KEPT_SYMBOLS:
        return None
    if (value := unicodedata.digit(character, None)) is not None:
        return str(value)
    kind = unicodedata.category(character)
    if kind in ("Zs", "Zl", "Zp"):
        return None
    if kind in ("Nl", "No"):
        plain = unicodedata.normalize("NFKC", character)
        return f" {plain} " if plain != character else " "
    if kind == "Cf" or character in "\ufe0e\ufe0f":
        return ""
    return " " if kind[0] == "C" or kind in ("So", "Sk", "Me") else None


def _tag(match: re.Match[str]) -> str:
    return "&" if match[0] == "&amp;" else " "
