"""Pages of calls and their filters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from callengine.api.cursors import cursor_of, place_of
from callengine.ports.calls_wanted import Place, number_key
from callengine.ports.journal import CallRecord
from tests.unit.api.fakes import CLOSED, OPENED, Engine


def shop(calls: int) -> Engine:
    """Calls of one moment, newest first: only their ids tell them apart."""
    engine = Engine()
    for number in range(calls, 0, -1):
        opened = replace(OPENED, call_id=f"{number:032x}", number=f"8916123456{number % 2}")
        closed = replace(CLOSED, call_id=opened.call_id, outcome="failed" if number % 3 == 0 else "completed")
        engine.journal.records.append(CallRecord(opened, closed))
    return engine


async def listed(engine: Engine, **query: str) -> list[list[str]]:
    """The ids of every page."""
    pages: list[list[str]] = []
    async with engine.client() as client:
        cursor: dict[str, str] = {}
        while True:
            body = (await client.get("/api/v1/calls", params={**query, **cursor})).json()
            pages.append([call["call_id"].lstrip("0") for call in body["calls"]])
            if body["next_cursor"] is None:
                return pages
            cursor = {"cursor": body["next_cursor"]}


async def test_every_call_is_on_one_page_and_the_last_page_says_so() -> None:
    assert await listed(shop(7), limit="3") == [["7", "6", "5"], ["4", "3", "2"], ["1"]]
    assert await listed(shop(6), limit="3") == [["6", "5", "4"], ["3", "2", "1"]]
    assert await listed(Engine()) == [[]]


async def test_filters_hold_on_every_page() -> None:
    assert await listed(shop(9), limit="1", outcome="failed") == [["9"], ["6"], ["3"]]
    assert await listed(shop(4), number="+7 (916) 123-45-61") == [["3", "1"]]
    assert await listed(shop(4), number="79161234561", limit="1", outcome="completed") == [["1"]]


async def test_times_bound_the_list_in_any_zone() -> None:
    moscow = OPENED.opened_at.astimezone(timezone(timedelta(hours=3)))
    assert await listed(shop(1), since=moscow.isoformat()) == [["1"]]
    assert await listed(shop(1), since=(moscow + timedelta(seconds=1)).isoformat()) == [[]]
    assert await listed(shop(1), before=moscow.isoformat()) == [[]]


@given(
    st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis adds the zone
    st.uuids(),
)
def test_a_cursor_is_the_place_it_was_made_of(at: datetime, call: object) -> None:
    place = Place(at, str(call))
    assert place_of(cursor_of(place)) == place


def test_a_number_is_found_however_it_is_written() -> None:
    assert {number_key(text) for text in ("+7 916 123-45-67", "8(916)1234567", "9161234567")} == {"9161234567"}
    assert (number_key("112"), number_key("anonymous"), number_key("١٢")) == ("112", "", "")
