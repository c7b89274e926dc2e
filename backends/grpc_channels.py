"""What every gRPC connection of the engine's is opened with, and how it is opened from Trio."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import grpc.aio

from callengine.ports.bridge import Bridge

CHANNEL_OPTIONS = (
    # One connection for each channel, else all channels to one address share one.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.keepalive_time_ms", 30_000),
    # A server that was started again is found within a call's patience: gRPC's own back-off grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 2_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


@asynccontextmanager
async def open_connections(
    bridge: Bridge, connect: Callable[[], grpc.aio.Channel], count: int
) -> AsyncIterator[list[grpc.aio.Channel]]:
    """`count` connections on their way, closed with the block; `connect` makes one and is run on the asyncio side."""
    async with AsyncExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = await bridge.run(_connected, connect)
            stack.push_async_callback(bridge.run, connection.close)
            connections.append(connection)
        yield connections


async def _connected(connect: Callable[[], grpc.aio.Channel]) -> grpc.aio.Channel:  # noqa: ASYNC124
    """Async, for it runs on the bridge's side, where a channel finds its loop."""
    channel = connect()
    channel.get_state(try_to_connect=True)
    return channel
