"""Every implementation of the Registry port, opened as two nodes that share one live state."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from callengine.ports.registry import Registry
from callengine.services.bridge import open_bridge
from callengine.services.memory import MemoryRegistry
from callengine.services.registry import open_registry
from tests.state_servers import FIXTURES, SERVERS

OpenRegistries = Callable[[], AbstractAsyncContextManager[tuple[Registry, Registry]]]


@pytest.fixture(params=["memory", *SERVERS])
def open_nodes(request: pytest.FixtureRequest) -> OpenRegistries:
    url = request.getfixturevalue(FIXTURES[request.param]) if request.param in FIXTURES else ""

    @asynccontextmanager
    async def open_memory() -> AsyncIterator[tuple[Registry, Registry]]:
        registry = MemoryRegistry()
        yield registry, registry

    @asynccontextmanager
    async def open_valkey_registries() -> AsyncIterator[tuple[Registry, Registry]]:
        async with (
            open_bridge() as bridge,
            open_registry(url, "node-1", bridge) as first,
            open_registry(url, "node-2", bridge) as second,
        ):
            yield first, second

    return open_valkey_registries if url else open_memory
