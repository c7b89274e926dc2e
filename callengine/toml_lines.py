"""Which line of a TOML text says something: tomllib gives values without places, and its errors only a line. Pure.

A prefix of a TOML text that ends between two statements is a TOML text too. So the statement that brings a value is the
one behind the last such prefix without it; `tomllib` itself is the judge. It parses once a line: for error messages.
"""

import tomllib
from collections.abc import Sequence
from typing import Any


def line_of(text: str, place: Sequence[str | int]) -> int:
    """The line (from 1) of the statement that brings the value at a place: keys, and positions in arrays.

    Where the place is not in the text, that of the innermost table around it which is. Raises tomllib.TOMLDecodeError.
    """
    place = _there(tomllib.loads(text), place)
    lines = text.split("\n")
    begun = 0
    for ended in range(1, len(lines) + 1):
        try:
            part = tomllib.loads("\n".join(lines[:ended]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a statement
        if len(_there(part, place)) == len(place):
            break
        begun = ended
    says = (at for at in range(begun, len(lines)) if lines[at].strip() and not lines[at].lstrip().startswith("#"))
    return 1 + next(says, begun)


def _there(value: Any, place: Sequence[str | int]) -> Sequence[str | int]:
    """The longest beginning of a place that leads somewhere."""
    for depth, step in enumerate(place):
        match value:
            case dict() if step in value:
                value = value[step]
            case list() if isinstance(step, int) and step < len(value):
                value = value[step]
            case _:
                return place[:depth]
    return place
