"""Where a recogniser's streams can be opened: connections made before the first call, and a circuit for each server.

A channel is one connection (`grpc.use_local_subchannel_pool`, else all channels to one address share one) and carries
at most about 50 streams well; there are enough of them for MAX_CALLS and the overlap of rotations. A node that failed
is left alone for a while, doubled with each failure, and then tried by one stream."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import grpc.aio
import trio

from backends.grpc_channels import open_connections
from backends.stt.stream import Service
from callengine.errors import RecognizerError

STREAMS_PER_CHANNEL = 50
OVERLAP = 1.25  # two streams for a call that rotates
FIRST_REST_SECONDS = 1.0
LONGEST_REST_SECONDS = 30.0
FULL_SECONDS = 1.0


@dataclass(slots=True)
class Channel:
    """One connection, and how many streams it carries."""

    connection: grpc.aio.Channel
    streams: int = 0


@dataclass(slots=True)
class Node:
    """One server: its connections and its circuit."""

    service: Service
    channels: Sequence[Channel]
    asked: bool = False  # whether it has been asked for our language and model
    failures: int = 0
    rests_until: float = field(default=float("-inf"))

    @property
    def streams(self) -> int:
        """Streams that are open here."""
        return sum(channel.streams for channel in self.channels)

    def resting(self) -> bool:
        """Whether it failed lately."""
        return trio.current_time() < self.rests_until

    def failed(self, error: RecognizerError) -> None:
        """Take note of an error: one that tells about the node, not about a stream, gives it a rest."""
        if error.reason == "unavailable":
            self.failures += 1
            self._rest()
        elif error.reason == "overloaded":
            self.rests_until = trio.current_time() + FULL_SECONDS

    def well(self) -> None:
        """It has taken a stream."""
        self.failures = 0

    @contextmanager
    def borrow(self) -> Iterator[grpc.aio.Channel]:
        """The connection with the fewest streams. While a node is being tried after failures, others pass it by."""
        if self.failures:
            self._rest()
        channel = min(self.channels, key=lambda channel: channel.streams)
        channel.streams += 1
        try:
            yield channel.connection
        finally:
            channel.streams -= 1

    def _rest(self) -> None:
        seconds = FIRST_REST_SECONDS * 2 ** max(0, self.failures - 1)
        self.rests_until = trio.current_time() + min(seconds, LONGEST_REST_SECONDS)


def preferred(nodes: Sequence[Node]) -> list[Node]:
    """In the order to try them: those that rest come last, the least busy first."""
    return sorted(nodes, key=lambda node: (node.resting(), node.streams))


def channels_for(calls: int) -> int:
    """How many connections so many calls need at one server."""
    return max(1, -(-int(calls * OVERLAP) // STREAMS_PER_CHANNEL))


@asynccontextmanager
async def open_node(service: Service, connect: Callable[[], grpc.aio.Channel], count: int) -> AsyncIterator[Node]:
    """A node with `count` connections on their way; `connect` makes one and is run on the asyncio side."""
    async with open_connections(service.bridge, connect, count) as connections:
        yield Node(service, list(map(Channel, connections)))
