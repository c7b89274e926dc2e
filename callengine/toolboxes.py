"""The tools of each agent at the Store: its document is read once, and what does not fit it is told by line."""

from collections.abc import Mapping
from typing import Any

import trio

from callengine.agent import AgentProfile
from callengine.answering import Agents
from callengine.errors import ConfigError, ServiceError, UnfitToolError
from callengine.ports.tools import Toolbox
from callengine.services.openapi_document import load_document
from callengine.services.openapi_schemas import DocumentError
from callengine.services.store import Store
from callengine.services.store_tools import StoreTool, make_tools


async def open_toolboxes(store: Store, agents: Agents) -> Mapping[str, Toolbox]:
    """A toolbox for each agent that can answer, by its language. Raises ConfigError."""
    documents: dict[str, Mapping[str, Any]] = {}
    every = {agent.language: agent for agent in (*agents.others.values(), agents.default)}
    return {language: store.toolbox(await agent_tools(store, agent, documents)) for language, agent in every.items()}


async def agent_tools(
    store: Store, agent: AgentProfile, documents: dict[str, Mapping[str, Any]]
) -> tuple[StoreTool, ...]:
    """An agent's tools; `documents` keeps what was read, by where. Raises ConfigError."""
    if not agent.tools:
        return ()
    where = agent.document
    try:
        if where not in documents:
            documents[where] = await load_document(where, store.client.http)
        # in threads, here and where it is read: on SIGHUP calls are up, and the clock must not wait
        return await trio.to_thread.run_sync(make_tools, documents[where], agent.tools)
    except UnfitToolError as error:
        raise agent.fault(error.place, error.problem) from None
    except DocumentError as error:
        if where:
            raise agent.fault(("store", "document"), str(error)) from None
        raise ConfigError("STORE_API_URL", f"the Store's openapi.json: {error}; [store] can name another") from None
    except ServiceError as error:
        if where:
            raise agent.fault(("store", "document"), str(error)) from None
        raise ConfigError("STORE_API_URL", f"{error}; [store] of the agent file can name another") from None
