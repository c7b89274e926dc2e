"""Any entry of the record comes back from bytes as the row that it would have been."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from callengine.ports.journal import (
    CallbackRequested,
    CallClosed,
    CallerFound,
    CallOpened,
    Entry,
    RecordingKept,
    ToolRecorded,
    TurnRecorded,
)
from callengine.ports.usage import Used
from callengine.services.journal_rows import row_of
from callengine.services.spool_entries import UnknownEntryError, packed, unpacked

# Every code point, NUL and lone surrogates among them.
ANY_TEXT = st.text(st.characters(codec=None, categories=None))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(ANY_TEXT, part, max_size=3),
    max_leaves=8,
)
TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=3))]))
SECONDS = st.floats(allow_nan=False)
MONEY = st.none() | st.decimals(0, 10000, places=10)
BILLS = st.lists(
    st.builds(Used, st.sampled_from(["stt", "llm", "tts"]), ANY_TEXT, SECONDS, st.integers(0), usd=MONEY), max_size=2
).map(tuple)
ROLES = st.sampled_from(["caller", "agent"])
OUTCOMES = st.sampled_from(["completed", "handed_over"])
FIELDS = st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=3)
TIMINGS = st.dictionaries(ANY_TEXT, SECONDS, max_size=3)
SOME_JSON = st.dictionaries(ANY_TEXT, JSON_VALUES, max_size=3)
T = ANY_TEXT
ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    st.builds(CallOpened, T, T, TIMES, T, T, T, T, FIELDS, T),
    st.builds(CallerFound, T, T, T, T, T),
    st.builds(TurnRecorded, T, st.integers(), ROLES, T, SECONDS, SECONDS, st.booleans(), TIMINGS, BILLS),
    st.builds(ToolRecorded, T, st.integers(), T, SOME_JSON, T, st.booleans(), SECONDS, SECONDS),
    st.builds(CallbackRequested, T, st.integers(), TIMES, T, T, T, T),
    st.builds(RecordingKept, T, T, T, TIMES, SECONDS, T),
    st.builds(CallClosed, T, TIMES, SECONDS, OUTCOMES, T, T, T, st.none() | BILLS),
)
TOOL = ToolRecorded("a", 1, "find", {}, "{}", False, 0.0, 1.0)


def values_of(entry: Entry) -> list[Any]:
    """The entry's row, JSON as its text."""
    return [json.dumps(value.obj) if isinstance(value, Jsonb) else value for value in row_of(entry)]


@given(ENTRIES)
def test_an_entry_comes_back_as_the_row_it_would_have_been(entry: Entry) -> None:
    found = unpacked(packed(entry))
    assert type(found) is type(entry)
    assert values_of(found) == values_of(entry)


def test_money_and_times_come_back_to_the_last_digit() -> None:
    used = (Used("llm", "claude", 0.0, 0, 1200, 5300, 40, 61, Decimal("0.0002085001")), Used("stt", "x"))
    at = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    entry = CallClosed("a", at, 61.5, "completed", "", "", "Ищет шины", used)
    assert unpacked(packed(entry)) == entry
    assert unpacked(packed(replace(entry, used=None))) == replace(entry, used=None)


def test_arguments_that_cannot_be_told_are_replaced_by_a_note() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    found = unpacked(packed(replace(TOOL, arguments={"deep": deep})))
    assert found == replace(TOOL, arguments={"not_kept": "RecursionError"})


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{}", b"[]", b'"abc"', b"[1,2]", b'[1,"turn",3]', b'[1,"turn",{}]', b'[1,"unheard-of",{}]',
        b'[2,"turn",{}]', b'[1,"closed",{"closed_at":"yesterday"}]', b'[1,"closed",{"closed_at":5}]',
        b'[1,"turn",{"used":[{"usd":"much"}]}]', b'[1,"turn",{"used":[[]]}]', b"[" * 100_000, b"\xff",
        json.dumps([1, "tool", {"call_id": "a", "new": 1}]).encode(),
    ],
    ids=lambda payload: payload[:40].decode("ascii", "replace"),
)  # fmt: skip
def test_what_another_version_wrote_is_named_as_such(payload: bytes) -> None:
    with pytest.raises(UnknownEntryError):
        unpacked(payload)
