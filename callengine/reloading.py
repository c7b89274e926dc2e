"""SIGHUP: the agent files are read again for new calls; calls that are up keep what they began with.

What is wrong with a new file is one line in the log, and the agents that were there stay."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import structlog
import trio

from callengine.answering import Agents, load_agents
from callengine.engine import Engine
from callengine.errors import ConfigError
from callengine.ports.tools import Toolbox

# Agents to their toolboxes by language, once their phrases can be spoken. Raises ConfigError.
Equip = Callable[[Agents], Awaitable[Mapping[str, Toolbox]]]

log = structlog.get_logger(__name__)


async def serve_reloads(hangups: AsyncIterator[int], engine: Engine, equip: Equip) -> None:
    """Read the agents again at every signal, for ever; one that came before the engine served is one of them."""
    async for _ in hangups:
        await reload_agents(engine, equip)


async def reload_agents(engine: Engine, equip: Equip) -> None:
    """Take the agents that AGENT_FILE has now, all of them or none."""
    settings = engine.settings
    try:
        # in a thread: finding the line of a mistake takes long, and the clock must not wait
        agents = await trio.to_thread.run_sync(load_agents, settings.agent_file, settings.call_language)
        toolboxes = await equip(agents)
    except ConfigError as error:
        log.error("agents_kept", problem=str(error))
        return
    engine.use(agents, toolboxes)
    log.info(
        "agents_reloaded", languages=sorted({agents.default.language, *(a.language for a in agents.others.values())})
    )
