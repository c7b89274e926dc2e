"""A checkpoint goes through its text unchanged, and a text that is none is nothing."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.call.checkpoint import LEAP, VERSION, CallbackWish, Checkpoint, first_sequence, packed, unpacked
from callengine.ports.journal import TurnRecorded
from callengine.ports.reasoning import AgentSaid, CallerSaid, HistoryItem, Misheard
from callengine.ports.tools import CallerContext, ToolCall, ToolResult
from callengine.ports.usage import Used

TEXT = st.text(max_size=20)
SECONDS = st.floats(0, 1e6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(TEXT, parts, max_size=3),
    max_leaves=5,
)
ITEMS: st.SearchStrategy[HistoryItem] = st.one_of(
    st.builds(CallerSaid, TEXT),
    st.builds(AgentSaid, TEXT, st.booleans()),
    st.builds(ToolCall, TEXT, TEXT, st.dictionaries(TEXT, JSON, max_size=3)),
    st.builds(ToolResult, TEXT, TEXT, st.booleans()),
    st.builds(Misheard, TEXT, TEXT),
)
BILLS = st.lists(
    st.builds(
        Used,
        st.sampled_from(("stt", "llm", "tts")),
        TEXT,
        seconds=SECONDS,
        characters=st.integers(0),
        input_tokens=st.integers(0),
        usd=st.none() | st.decimals(0, 1000, places=10),
    ),
    max_size=3,
).map(tuple)
TURNS = st.builds(
    TurnRecorded,
    TEXT,
    st.integers(0),
    st.sampled_from(("caller", "agent")),
    TEXT,
    SECONDS,
    SECONDS,
    timings=st.dictionaries(TEXT, SECONDS, max_size=2),
    used=BILLS,
)
CALLERS = st.builds(CallerContext, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, st.dictionaries(TEXT, TEXT, max_size=2))
CHECKPOINTS = st.builds(
    Checkpoint,
    st.datetimes(timezones=st.just(UTC)),
    CALLERS,
    st.integers(0),
    st.lists(ITEMS, max_size=6).map(tuple),
    st.frozensets(TEXT, max_size=3),
    st.none() | TURNS,
    st.lists(st.builds(CallbackWish, TEXT, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    BILLS,
)
PLAIN = Checkpoint(
    datetime(2026, 3, 1, 9, tzinfo=UTC), CallerContext("c", "ru-RU"), 3, (CallerSaid("Есть шины?"), AgentSaid("Да."))
)


@given(CHECKPOINTS)
def test_what_was_packed_is_unpacked(checkpoint: Checkpoint) -> None:
    assert unpacked(packed(checkpoint)) == checkpoint


def test_half_a_surrogate_is_no_obstacle() -> None:
    odd = replace(PLAIN, items=(ToolCall("1", "look", {"text": "\ud83d шины"}),))
    assert unpacked(packed(odd)) == replace(PLAIN, items=(ToolCall("1", "look", {"text": "? шины"}),))


@given(CHECKPOINTS, st.data())
def test_a_text_that_is_cut_is_no_checkpoint(checkpoint: Checkpoint, data: st.DataObject) -> None:
    text = packed(checkpoint)
    assert unpacked(text[: data.draw(st.integers(0, len(text) - 1))]) is None


@given(JSON)
def test_any_other_json_is_no_checkpoint(value: object) -> None:
    assert unpacked(json.dumps(value)) is None


@pytest.mark.parametrize(
    "damage",
    [
        {"v": VERSION + 1},
        {"items": [["x", {"text": "?"}]]},
        {"items": [["c", {"words": "?"}]]},
        {"caller": None},
        {"opened_at": "yesterday"},
        {"bill": [{"service": "stt", "product": "p", "usd": "much"}]},
        {"held": {"text": "half"}},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_a_later_version_or_a_damaged_one_is_no_checkpoint(damage: dict[str, object]) -> None:
    assert unpacked(json.dumps(json.loads(packed(PLAIN)) | damage)) is None


@given(st.integers(0, 50), st.none() | CHECKPOINTS)
def test_the_numbers_of_two_connections_never_meet(epoch: int, before: Checkpoint | None) -> None:
    first = first_sequence(epoch, before)
    assert first % LEAP == 0
    assert first >= (epoch - 1) * LEAP
    assert before is None or first > before.sequence
    assert (epoch > 1 or before is not None) or first == 0


def test_who_spoke_last_is_to_be_answered() -> None:
    call, result = ToolCall("1", "look"), ToolResult("1", "{}")
    asked = (AgentSaid("Здравствуйте."), CallerSaid("Есть шины?"))
    for items, unanswered in (((), False), (asked[:1], False), (asked, True), ((*asked, call, result), True)):
        assert Checkpoint(PLAIN.opened_at, PLAIN.caller, items=items).unanswered is unanswered
    assert not PLAIN.unanswered
    assert PLAIN.answers_heard == 1
