"""The packaged agents' tools at a Store, as the engine opens them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from callengine.agent import AgentProfile, load_agent
from callengine.ports.tools import ToolSpec
from callengine.ports.writes import WriteLog
from callengine.services.memory_writes import MemoryWriteLog
from callengine.services.store import HttpToolbox, open_store
from callengine.toolboxes import agent_tools

# A deadline that a busy test machine cannot meet by accident is not what most tests are about.
PATIENT_SECONDS = 30.0


# Where a stand-in for the network answers.
URL = "http://store.test/api/v1"
TOKEN = "a-token"


@asynccontextmanager
async def open_shop(
    url: str, token: str = "", *, language: str = "en-GB", deadline_seconds: float = PATIENT_SECONDS
) -> AsyncIterator[HttpToolbox]:
    """The tools of the packaged agent for a language."""
    async with open_store(url, token, MemoryWriteLog(), deadline_seconds=deadline_seconds) as store:
        yield store.toolbox(await agent_tools(store, load_agent(None, language), {}))


@asynccontextmanager
async def open_shop_by(
    transport: httpx.AsyncBaseTransport,
    *,
    agent: AgentProfile | None = None,
    deadline_seconds: float = PATIENT_SECONDS,
    writes: WriteLog | None = None,
) -> AsyncIterator[HttpToolbox]:
    """The tools of an agent, or of the packaged English one, at a Store that `transport` answers for."""
    log = writes or MemoryWriteLog()
    async with open_store(URL, TOKEN, log, deadline_seconds=deadline_seconds, transport=transport) as store:
        yield store.toolbox(await agent_tools(store, agent or load_agent(None, "en-GB"), {}))


async def shop_specs() -> tuple[ToolSpec, ...]:
    """The tools of the packaged English agent, as a model sees them."""
    async with open_shop("http://nowhere") as toolbox:
        return toolbox.specs
