"""The filters of `GET /api/v1/calls`, from its query."""

from typing import Annotated

from fastapi import Query

from callengine.api.cursors import MAX_CHARS, place_of
from callengine.api.times import Moment
from callengine.ports.calls_wanted import CallsWanted, number_key
from callengine.ports.journal import Outcome

Since = Annotated[Moment | None, Query(description="Opened then or later; ISO 8601 with its zone.")]
Before = Annotated[Moment | None, Query(description="Opened before; ISO 8601 with its zone.")]
Number = Annotated[
    str | None,
    Query(max_length=64, pattern="[0-9]", description="The caller's, found by its last ten digits however written."),
]
Ended = Annotated[Outcome | None, Query(description="How the call ended.")]
Cursor = Annotated[str | None, Query(max_length=MAX_CHARS, description="`next_cursor` of the page before.")]


async def wanted_calls(  # noqa: ASYNC124 - a sync one would run in a thread
    since: Since = None,
    before: Before = None,
    number: Number = None,
    outcome: Ended = None,
    cursor: Cursor = None,
) -> CallsWanted:
    """What the query asks for. Raises HTTPException 422 for a cursor of no page."""
    return CallsWanted(
        since,
        before,
        place_of(cursor) if cursor is not None else None,
        number_key(number) if number is not None else None,
        outcome,
    )
