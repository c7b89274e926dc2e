"""A checkpoint goes through its text unchanged, and a text that is none is nothing."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

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


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.booleans(), st.none() | CHECKPOINTS, MOMENTS)
def test_a_connection_is_numbered_behind_what_it_goes_on_from(
    first: bool, before: Checkpoint | None, now: datetime
) -> None:
    base = first_sequence(before, now, first=first)
    assert base % LEAP == 0
    assert before is None or base > before.sequence
    assert (base == 0) == (first and before is None)
    assert first_sequence(None, now, first=False) < 2**53, "JSON's readers count no further"


@dataclass(frozen=True)
class Connection:
    """One of a call's connections: whether Redis answered it, whether Redis had heard of the one before, whether it had
    its checkpoint to give, how many numbers it took, and how soon the next one came."""

    asked: bool
    told: bool
    numbers: int
    milliseconds: int


CONNECTIONS = st.builds(Connection, st.booleans(), st.booleans(), st.integers(1, 40), st.integers(1, 600_000))


@given(st.lists(CONNECTIONS, min_size=1, max_size=6), MOMENTS)
def test_whatever_redis_knows_of_a_call_s_connections_their_numbers_grow(
    connections: list[Connection], now: datetime
) -> None:
    """In every order of Redis being there, away, and back without having been told of what was meanwhile."""
    given, epoch, doubt, known = list[int](), 0, False, None
    for connection in connections:
        before = known if connection.asked else None
        epoch += connection.asked
        base = first_sequence(before, now, first=connection.asked and epoch == 1 and not doubt)
        given.extend(range(base + 1, base + 1 + connection.numbers))
        doubt = doubt or not connection.asked
        if connection.asked and connection.told:
            known = Checkpoint(PLAIN.opened_at, PLAIN.caller, given[-1])
        now += timedelta(milliseconds=connection.milliseconds)
    assert given == sorted(set(given))


def test_who_spoke_last_is_to_be_answered() -> None:
    call, result = ToolCall("1", "look"), ToolResult("1", "{}")
    asked = (AgentSaid("Здравствуйте."), CallerSaid("Есть шины?"))
    for items, unanswered in (((), False), (asked[:1], False), (asked, True), ((*asked, call, result), True)):
        assert Checkpoint(PLAIN.opened_at, PLAIN.caller, items=items).unanswered is unanswered
    assert not PLAIN.unanswered
    assert PLAIN.answers_heard == 1
