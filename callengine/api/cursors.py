"""Where a page of calls ended, as an opaque word for the next page: base64url of the last call's time and id."""

import base64
import binascii
from datetime import datetime

from starlette.exceptions import HTTPException

from callengine.ports.calls_wanted import Place

MAX_CHARS = 200


def cursor_of(place: Place) -> str:
    """The word for a place in the list."""
    return base64.urlsafe_b64encode(f"{place.opened_at.isoformat()} {place.call_id}".encode()).decode().rstrip("=")


def place_of(cursor: str) -> Place:
    """The place a word stands for. Raises HTTPException 422 for one that `cursor_of` has not made."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        time, _, call_id = raw.decode().partition(" ")
        place = Place(datetime.fromisoformat(time), call_id)
    except (ValueError, binascii.Error):  # also of what is no UTF-8 or no ASCII
        place = None
    if place is None or place.opened_at.tzinfo is None or cursor_of(place) != cursor or "\0" in place.call_id:
        raise HTTPException(422, "query.cursor: not a next_cursor of an earlier page")
    return place
