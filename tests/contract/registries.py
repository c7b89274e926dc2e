"""Every implementation of the Registry port, opened as two nodes that share one live state."""

import pytest

from callengine.ports.registry import Registry
from callengine.services.memory import MemoryRegistry
from callengine.services.registry import open_registry
from tests.contract.pairs import IMPLEMENTATIONS, OpenPair, pair_opener

OpenRegistries = OpenPair[Registry]


@pytest.fixture(params=IMPLEMENTATIONS)
def open_nodes(request: pytest.FixtureRequest) -> OpenRegistries:
    return pair_opener(request, MemoryRegistry, open_registry)
