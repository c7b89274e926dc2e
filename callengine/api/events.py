"""`GET /api/v1/events`: what happens to the calls of all nodes, as it happens."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from callengine.api.event_ring import READERS
from callengine.api.event_stream import EventStream
from callengine.api.problems import described
from callengine.api.state import ApiState

MEDIA_TYPE = "text/event-stream"
LastEventId = Annotated[str | None, Header(max_length=64, description="The last event that this reader has.")]


def event_routes(state: ApiState) -> APIRouter:
    """The stream of events."""
    router = APIRouter(prefix="/api/v1", responses=described(401, 429, 422, 503))
    ring = state.events.ring

    async def place() -> AsyncIterator[None]:  # noqa: ASYNC900, ASYNC124 - FastAPI makes a context manager of it
        if not ring.enter():
            raise HTTPException(503, f"{READERS} readers follow the events at this node already", {"Retry-After": "30"})
        try:
            yield
        finally:
            ring.leave()

    described_stream: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}}

    @router.get("/events", response_class=StreamingResponse, responses=described_stream, dependencies=[Depends(place)])
    async def events(last_event_id: LastEventId = None) -> StreamingResponse:  # noqa: ASYNC124
        """`opened`, `caller`, `turn`, `tool`, `callback`, `closed` of the calls on all nodes, with what the record
        shows; `forgotten` calls; `gap` where events were missed, `alone` and `together` where the other nodes cannot
        be heard and can again, `draining` before the end of this node's stream."""
        return StreamingResponse(EventStream(ring, last_event_id), media_type=MEDIA_TYPE)

    return router
