"""What a person or a deployment does to a node and its calls: put through, hang up, drain."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from callengine.api.health import Accepting
from callengine.api.problems import described
from callengine.api.state import ApiState

NOT_UP = "no such call is up on any node"
UNCONFIRMED: dict[int | str, dict[str, Any]] = {
    202: {"description": "Asterisk was told, but has not closed the connection yet"}
}


class TransferRequest(BaseModel):
    """Where to: the name of a transfer target of the agent file."""

    target: str


def operator_routes(state: ApiState) -> APIRouter:
    """What is done to a node."""
    router = APIRouter(prefix="/api/v1", responses=described(401, 429))

    @router.post("/calls/{call_id}/transfer", status_code=202, responses=described(404, 409, 422, 503))
    async def transfer(call_id: UUID, request: TransferRequest) -> None:
        """Put a caller through, on whatever node the call is up: the agent stops, says so, and the call goes to the
        target."""
        match await state.transfer(call_id, request.target):
            case "unknown":
                raise HTTPException(404, NOT_UP)
            case "no_target":
                raise HTTPException(422, "target: not among the transfer targets of this call's agent (AGENT_FILE)")
            case "ending":
                raise HTTPException(409, "the call is being put through or is ending already")
            case "ordered":
                pass

    @router.post("/calls/{call_id}/hangup", status_code=204, responses=UNCONFIRMED | described(404, 422, 503))
    async def hang_up(call_id: UUID, response: Response) -> None:
        """End a call, on whatever node it is up; answers once Asterisk has let go of it."""
        match await state.hang_up(call_id):
            case "unknown":
                raise HTTPException(404, NOT_UP)
            case "told":
                response.status_code = 202
            case "closed":
                pass

    @router.post("/drain", status_code=202)
    async def drain() -> Accepting:  # noqa: ASYNC124
        """Take no more calls; those that are up go on to their end."""
        state.drain()
        now = state.admission()
        return Accepting(accepting=now.accepting, calls=now.calls, capacity=now.capacity, draining=now.draining)

    return router
