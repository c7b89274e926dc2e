"""The sizes that keep a room liveable: files under 300 lines, functions under 40. ruff counts parameters: five at most.

A command of callengine/cli is counted without its options and the page that --help shows; its parameters are its
options, so it may have more than five (pyproject.toml tells ruff so)."""

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
ROOMS = ("callengine", "backends", "gpu", "tests")
FILE_LINES = 300
FUNCTION_LINES = 40
COMMANDS = HOUSE / "callengine" / "cli"


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef, *, command: bool) -> int:
    """How long a function is; of a command only what it does."""
    assert function.end_lineno is not None
    if not command:
        return function.end_lineno - function.lineno + 1
    does = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return function.end_lineno - does[0].lineno + 1 if does else 0


def too_long(path: Path) -> list[str]:
    """What is too long in a file, named for whoever has to split it."""
    text, name = path.read_text(), path.relative_to(HOUSE)
    functions = [each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {each.name: lines_of(each, command=path.parent == COMMANDS) for each in functions}
    found = [f"{name}: {function} has {lines}" for function, lines in long.items() if lines >= FUNCTION_LINES]
    lines = len(text.splitlines())
    return [f"{name} has {lines}", *found] if lines >= FILE_LINES else found


@pytest.mark.parametrize("room", ROOMS)
def test_files_and_functions_can_be_read_in_one_sitting(room: str) -> None:
    files = sorted((HOUSE / room).rglob("*.py"))
    assert files
    assert [each for path in files for each in too_long(path)] == []
