"""What Prometheus asks this node for."""

import trio
from fastapi import APIRouter, Response
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request

import callengine.metrics  # noqa: F401 - defines what is shown


def figure_routes() -> APIRouter:
    """`/metrics`."""
    router = APIRouter()

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics(request: Request) -> Response:
        """Prometheus metrics, in the format the scraper asks for."""
        await trio.lowlevel.checkpoint()  # this connection's keep-alive timer is being cancelled: it is not to count
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(REGISTRY), headers={"Content-Type": media_type})

    return router
