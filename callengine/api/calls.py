"""Calls over HTTP: the record for people, registration and outcomes for the dialplan."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from callengine.api.call_filters import wanted_calls
from callengine.api.cursors import cursor_of
from callengine.api.forms import FORM_TYPE, MAX_FIELDS, MAX_NAME_CHARS, MAX_VALUE_CHARS, read_form
from callengine.api.problems import described
from callengine.api.records import CallbackPage, CallPage, CallView, callback_view, summary_of, view_of
from callengine.api.state import ApiState
from callengine.api.times import Moment
from callengine.display_name import display_name
from callengine.ports.calls_wanted import CallsWanted, Place
from callengine.ports.tools import CallerContext

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
NAMED_FIELDS = ("caller", "name", "called", "channel", "language")
_VALUE = {"type": "string", "maxLength": MAX_VALUE_CHARS}
_LANGUAGE = {"type": "string", "pattern": "^([a-z]{2,3}([-_][A-Z]{2})?)?$"}
FORM_BODY = {
    "requestBody": {
        "content": {
            FORM_TYPE: {
                "schema": {
                    "type": "object",
                    "properties": dict.fromkeys(NAMED_FIELDS, _VALUE) | {"language": _LANGUAGE},
                    "additionalProperties": _VALUE,
                    "propertyNames": {"maxLength": MAX_NAME_CHARS},
                    "maxProperties": MAX_FIELDS,
                }
            }
        }
    }
}


class Registered(BaseModel):
    """A call that may come now. `expires_seconds`: how long it is remembered."""

    call_id: str
    expires_seconds: int = 60


def caller_of(call_id: UUID, form: dict[str, str]) -> CallerContext:
    """What the dialplan says of a call; Asterisk writes a language as `en_GB`. Raises HTTPException 422."""
    language = form.get("language", "").replace("_", "-")
    if language and not LANGUAGE.fullmatch(language):
        raise HTTPException(422, "language: not a language tag such as ru or ru-RU")
    return CallerContext(
        str(call_id),
        language,
        number=form.get("caller", ""),
        name=display_name(form.get("name", ""), form.get("channel", "")),
        called=form.get("called", ""),
        channel=form.get("channel", ""),
        fields={name: value for name, value in form.items() if name not in NAMED_FIELDS},
    )


def record_routes(state: ApiState) -> APIRouter:
    """The record of calls."""
    router = APIRouter(prefix="/api/v1", responses=described(401, 429, 422, 503))

    @router.get("/calls")
    async def calls(
        wanted: Annotated[CallsWanted, Depends(wanted_calls)], limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> CallPage:
        """The newest calls first; `cursor` is an earlier page's `next_cursor`, with the same filters."""
        found = await state.journal.calls(limit + 1, wanted)
        page = found[:limit]
        last = page[-1].opened if len(found) > limit else None
        cursor = cursor_of(Place(last.opened_at, last.call_id)) if last else None
        return CallPage(calls=[summary_of(record) for record in page], next_cursor=cursor)

    @router.get("/calls/{call_id}", responses=described(404))
    async def call(call_id: UUID) -> CallView:
        """One call with its turns, tool calls and timings."""
        record = await state.journal.call(str(call_id))
        if record is None:
            raise HTTPException(404, "no such call in the record")
        return view_of(record)

    @router.get("/callbacks")
    async def callbacks(limit: Annotated[int, Query(ge=1, le=200)] = 50, before: Moment | None = None) -> CallbackPage:
        """Who is to be called back, the newest request first; `before` a time (ISO 8601 with its zone) for the next
        page."""
        return CallbackPage(callbacks=[callback_view(one) for one in await state.journal.callbacks(limit, before)])

    return router


def dialplan_routes(state: ApiState) -> APIRouter:
    """What Asterisk's dialplan asks before and after AudioSocket; its CURL() knows only GET and POST."""
    router = APIRouter(prefix="/api/v1")
    problems = described(401, 429, 413, 415, 422, 503)

    @router.post("/calls/{call_id}", status_code=201, responses=problems, openapi_extra=FORM_BODY)
    @router.put("/calls/{call_id}", status_code=201, responses=problems, openapi_extra=FORM_BODY)
    async def register(call_id: UUID, request: Request) -> Registered:
        """Say who is calling, before the call comes; every other field is kept for the agent."""
        caller = caller_of(call_id, await read_form(request))
        await state.registry.put_caller(caller)
        return Registered(call_id=caller.call_id)

    # "default" also keeps FastAPI from describing a 422 that cannot be.
    @router.get(
        "/calls/{call_id}/outcome", response_class=PlainTextResponse, responses={"default": described(401)[401]}
    )
    async def outcome(call_id: str) -> PlainTextResponse:
        """One word: `hangup`, `transfer:NAME`, `retry`, `busy`, `failed` (to people at once) or `apologised` (failed,
        and the caller was told). What is no UUID is an unknown call: `retry`."""
        try:
            known = UUID(call_id)
        except ValueError:
            return PlainTextResponse("retry")
        return PlainTextResponse(await state.outcome(known))

    @router.get(
        "/calls/{call_id}/announcement", response_class=PlainTextResponse, responses={"default": described(401)[401]}
    )
    async def announcement(call_id: str) -> PlainTextResponse:  # noqa: ASYNC124
        """Whether the person whom a call is put through to is to be told of it first: the UUID with which AudioSocket
        speaks the summary to them, or nothing."""
        try:
            return PlainTextResponse(str(state.announcement(UUID(call_id)) or ""))
        except ValueError:
            return PlainTextResponse("")

    return router
