"""Two nodes of one shop, as a contract sees them: one live state in memory, or a client each of one server."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

import pytest

from callengine.ports.bridge import Bridge
from callengine.services.bridge import open_bridge
from tests.state_servers import FIXTURES, SERVERS

T = TypeVar("T")
OpenPair = Callable[[], AbstractAsyncContextManager[tuple[T, T]]]
OpenNode = Callable[[str, str, Bridge], AbstractAsyncContextManager[T]]  # of a URL, for a node of this name

IMPLEMENTATIONS = ["memory", *SERVERS]  # a fixture's params


def pair_opener(request: pytest.FixtureRequest, make_memory: Callable[[], T], open_node: OpenNode[T]) -> OpenPair[T]:
    """What opens two nodes of the implementation that the fixture's `request` is for."""
    url = request.getfixturevalue(FIXTURES[request.param]) if request.param in FIXTURES else ""

    @asynccontextmanager
    async def open_memory() -> AsyncIterator[tuple[T, T]]:
        shared = make_memory()
        yield shared, shared

    @asynccontextmanager
    async def open_clients() -> AsyncIterator[tuple[T, T]]:
        async with (
            open_bridge() as bridge,
            open_node(url, "node-1", bridge) as first,
            open_node(url, "node-2", bridge) as second,
        ):
            yield first, second

    return open_clients if url else open_memory
