"""A bridge for one test of what speaks gRPC, which leaves nothing to the next test's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from callengine.ports.bridge import Bridge
from callengine.services.bridge import open_bridge

NOBODY_THERE = "127.0.0.1:1"  # a privileged port that nothing serves


@asynccontextmanager
async def open_grpc_bridge() -> AsyncIterator[Bridge]:
    """A bridge whose gRPC has nothing on its way any more when it closes."""
    async with open_bridge() as bridge:
        yield bridge
        await bridge.run(_pass_through_the_queue)


async def _pass_through_the_queue() -> None:
    """gRPC has one queue of events for the process: those of cancelled streams must be out of it before the loop that
    they are for is closed, or the next test's loop meets them. They come in order, so one call that ends is enough."""
    async with grpc.aio.insecure_channel(NOBODY_THERE) as channel:
        with suppress(grpc.RpcError):
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
