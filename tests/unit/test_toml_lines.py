"""The line that says something: the statement's first, whatever comes between."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.toml_lines import line_of

TEXT = '''# an agent
language = "en"

phrases = [
  "one",
  "two",
]
long = """
a = 1
"""

[tools.find]
# said twice
operation = "search"
model = { text = { description = "what" } }

[tools.buy.engine]
limit = 3

[[people]]
name = "a"
[[people]]
name = "b"
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ((), 1 + 1),
        (("language",), 2),
        (("missing",), 2),
        (("phrases",), 4),
        (("phrases", 1), 4),
        (("long",), 8),
        (("tools", "find"), 12),
        (("tools", "find", "operation"), 14),
        (("tools", "find", "operation", "str"), 14),
        (("tools", "find", "description"), 12),
        (("tools", "find", "model", "text", "description"), 15),
        (("tools", "buy", "engine", "limit"), 18),
        (("tools", "buy", "operation"), 17),
        (("people", 0, "name"), 21),
        (("people", 1), 22),
        (("people", 1, "name"), 23),
    ],
)
def test_a_place_has_a_line(place: tuple[str | int, ...], line: int) -> None:
    assert line_of(TEXT, place) == line


def test_what_is_not_toml_has_none() -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        line_of("a = ", ("a",))


@given(st.lists(st.sampled_from(["", "# note", "   "]), max_size=4), st.integers(0, 5))
def test_blank_lines_and_comments_before_do_not_count(before: list[str], entries: int) -> None:
    lines = [f"k{at} = {at}" for at in range(entries)] + before + ["wanted = '''", "x", "'''"]
    assert line_of("\n".join(lines), ("wanted",)) == entries + len(before) + 1
