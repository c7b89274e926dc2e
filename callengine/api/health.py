"""Is this node well (for people and alerts), and would it take a call (for balancers)?"""

from collections.abc import Awaitable, Callable
from typing import Literal

import trio
from fastapi import APIRouter, Response
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request

from callengine.api.problems import described
from callengine.api.state import ApiState
from callengine.errors import ServiceError

CHECKED_FOR_SECONDS = 3.0
CHECK_TIMEOUT_SECONDS = 2.0

PartState = Literal["ok", "failed"]


class Part(BaseModel):
    """One part's state, as found `age_seconds` ago."""

    state: PartState
    age_seconds: float


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


class CheckedParts:
    """The parts behind ports, asked at most once in `CHECKED_FOR_SECONDS` however many requests come."""

    def __init__(self, checks: dict[str, Callable[[], Awaitable[None]]]) -> None:
        self._checks = checks
        self._found: dict[str, PartState] = {}
        self._checked_at = -float("inf")
        self._one_at_a_time = trio.Lock()

    async def states(self) -> dict[str, Part]:
        """Every part's state, checked now or a moment ago."""
        async with self._one_at_a_time:
            if trio.current_time() - self._checked_at >= CHECKED_FOR_SECONDS:
                async with trio.open_nursery() as nursery:
                    for name, check in self._checks.items():
                        nursery.start_soon(self._ask, name, check)
                self._checked_at = trio.current_time()
            age = round(trio.current_time() - self._checked_at, 3)
            return {name: Part(state=self._found[name], age_seconds=age) for name in self._checks}

    async def _ask(self, name: str, check: Callable[[], Awaitable[None]]) -> None:
        try:
            with trio.fail_after(CHECK_TIMEOUT_SECONDS):
                await check()
        except (ServiceError, trio.TooSlowError):  # the port's own log says why
            self._found[name] = "failed"
        else:
            self._found[name] = "ok"


def health_routes(state: ApiState) -> APIRouter:
    """`/health`, `/health/accepting`, `/metrics`."""
    router = APIRouter()
    services = CheckedParts({"database": state.journal.check, "redis": state.registry.check})

    @router.get("/health", response_model=Health, responses={503: {"model": Health}})
    async def health(response: Response) -> Health:
        """AudioSocket listening, database, Redis, the record's spool; 503 when one of them is not well."""
        listening = Part(state="ok" if state.listening() else "failed", age_seconds=0.0)
        spool = Part(state="failed" if state.journal.spool_failed else "ok", age_seconds=0.0)
        parts = {"audiosocket": listening, **await services.states(), "spool": spool}
        well = all(part.state == "ok" for part in parts.values())
        response.status_code = 200 if well else 503
        backlog = state.journal.backlog
        return Health(status="ok" if well else "failed", parts=parts, journal_backlog=backlog)

    @router.get("/health/accepting", responses=described(404))
    async def accepting() -> Accepting:  # noqa: ASYNC124
        """200 while a call fits, 404 while draining or full. Asks nothing beyond this process."""
        now = state.admission()
        if not now.accepting:
            raise HTTPException(404, "draining" if now.draining else f"full: {now.calls} of {now.capacity} calls up")
        return Accepting(accepting=True, calls=now.calls, capacity=now.capacity, draining=False)

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics(request: Request) -> Response:
        """Prometheus metrics, in the format the scraper asks for."""
        await trio.lowlevel.checkpoint()  # this connection's keep-alive timer is being cancelled: it is not to count
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(REGISTRY), headers={"Content-Type": media_type})

    return router
