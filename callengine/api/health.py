"""Is this node well (for people and alerts), and would it take a call (for balancers)?"""

from fastapi import APIRouter, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from callengine.api.checks import CheckedParts, Part, PartState
from callengine.api.problems import described
from callengine.api.readiness import Readiness, readiness
from callengine.api.state import ApiState

CHECKED_FOR_SECONDS = 3.0
REMOTE_FOR_SECONDS = 10.0  # what is asked there is free of charge, but is asked of others
REMOTE_TIMEOUT_SECONDS = 5.0


class Health(BaseModel):
    """The node's health: `ok` when every part is."""

    status: PartState
    parts: dict[str, Part]
    journal_backlog: int  # entries of the record that are not in the database yet


class Accepting(BaseModel):
    """How full the node is."""

    accepting: bool
    calls: int
    capacity: int
    draining: bool


def health_routes(state: ApiState) -> APIRouter:
    """`/health`, `/health/ready`, `/health/accepting`."""
    router = APIRouter()
    services = CheckedParts({"database": state.journal.check, "redis": state.registry.check}, CHECKED_FOR_SECONDS)
    remote = CheckedParts(state.reachable, REMOTE_FOR_SECONDS, REMOTE_TIMEOUT_SECONDS)

    async def own_parts() -> dict[str, Part]:
        listening = Part(state="ok" if state.listening() else "failed", age_seconds=0.0)
        spool = Part(state="failed" if state.journal.spool_failed else "ok", age_seconds=0.0)
        return {"audiosocket": listening, **await services.states(), "spool": spool}

    @router.get("/health", response_model=Health, responses={503: {"model": Health}})
    async def health(response: Response) -> Health:
        """AudioSocket listening, database, Redis, the record's spool; 503 when one of them is not well."""
        parts = await own_parts()
        well = all(part.state == "ok" for part in parts.values())
        response.status_code = 200 if well else 503
        backlog = state.journal.backlog
        return Health(status="ok" if well else "failed", parts=parts, journal_backlog=backlog)

    @router.get("/health/ready", response_model=Readiness, responses={503: {"model": Readiness}})
    async def ready(response: Response) -> Readiness:
        """`/health` and whether recogniser and dialog can be reached; 503 when a call could not be held, or the node
        drains. `degraded` (200): calls are held, but by the fallback recogniser, or without one in reserve."""
        found = readiness(
            await own_parts() | await remote.states(), state.fallback_carries(), state.admission().draining
        )
        response.status_code = 503 if found.status == "failed" else 200
        return found

    @router.get("/health/accepting", responses=described(404))
    async def accepting() -> Accepting:  # noqa: ASYNC124
        """200 while a call fits, 404 while draining or full. Asks nothing beyond this process."""
        now = state.admission()
        if not now.accepting:
            raise HTTPException(404, "draining" if now.draining else f"full: {now.calls} of {now.capacity} calls up")
        return Accepting(accepting=True, calls=now.calls, capacity=now.capacity, draining=False)

    return router
