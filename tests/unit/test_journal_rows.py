"""Any entry becomes a row that PostgreSQL can hold."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from callengine.ports.journal import CallOpened, ToolRecorded, TurnRecorded
from callengine.services.journal_rows import row_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# Every code point, NUL and lone surrogates among them.
ANY_TEXT = st.text(st.characters(codec=None, categories=None))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(ANY_TEXT, part, max_size=3),
    max_leaves=8,
)


def json_of(value: Any) -> Any:
    """What would be sent for a JSON parameter, read by a strict reader."""
    assert isinstance(value, Jsonb)
    text = value.dumps(value.obj)  # type: ignore[misc]
    assert isinstance(text, str)
    text.encode("utf-8")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(holds_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(holds_nul(part) for part in value)


@given(ANY_TEXT)
def test_text_fits_and_ordinary_text_is_kept(text: str) -> None:
    stored = row_of(TurnRecorded("a", 1, "caller", text, 0.0, 1.0))[3]
    assert "\0" not in stored
    assert stored.encode("utf-8").decode("utf-8") == stored
    if "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text):
        assert stored == text


@given(st.dictionaries(ANY_TEXT, JSON_VALUES, max_size=4))
def test_arguments_are_json_without_what_jsonb_refuses(arguments: dict[str, Any]) -> None:
    row = row_of(ToolRecorded("a", 1, "find", arguments, "{}", False, 0.0, 1.0))
    assert not holds_nul(json_of(row[3]))


@given(st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=4))
def test_fields_of_the_dialplan_are_json(fields: dict[str, str]) -> None:
    row = row_of(CallOpened("a", "node", NOON, "ru-RU", fields=fields))
    assert not holds_nul(json_of(row[7]))


def test_a_value_that_json_does_not_know_is_written_as_text() -> None:
    row = row_of(ToolRecorded("a", 1, "find", {"when": NOON}, "{}", False, 0.0, 1.0))
    assert json_of(row[3]) == {"when": str(NOON)}
