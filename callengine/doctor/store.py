"""The shop: its document, the agents' tools made from it, and one question that needs no argument."""

from pathlib import Path

import trio

from callengine.answering import Agents, load_agents
from callengine.doctor.checkup import Patient
from callengine.doctor.figures import shown_ms, shown_url
from callengine.doctor.findings import FaultError, Finding
from callengine.doctor.own_parts import judge_own_part
from callengine.errors import ConfigError, ServiceError
from callengine.services.memory_writes import MemoryWriteLog
from callengine.services.store import open_store
from callengine.toolboxes import open_toolboxes

CHECK = "store"


async def look_at_store(patient: Patient) -> list[Finding]:
    """Whether the shop answers, and its document bears the agents' tools."""
    settings = patient.settings
    if not settings.store_api_url:
        return [judge_own_part(settings, CHECK, "STORE_API_URL")]
    agents = _agents(settings.agent_file, settings.call_language)
    if agents is None:
        return [Finding(CHECK, "note", "not asked: there is no agent that would ask it, see settings")]
    token = settings.store_api_token.get_secret_value() if settings.store_api_token else ""
    where = shown_url(settings.store_api_url)
    async with open_store(settings.store_api_url, token, MemoryWriteLog()) as store:
        toolboxes = await open_toolboxes(store, agents)
        fitting = ", ".join(f"{language} {len(toolbox.specs)}" for language, toolbox in toolboxes.items())
        found = [Finding(CHECK, "ok", f"the document bears the agents' tools ({fitting})")]
        began = trio.current_time()
        for toolbox in toolboxes.values():
            try:
                await toolbox.check()
            except ServiceError as error:
                says = str(error).replace(store.client.url, where)
                raise FaultError(says, "curl it from this machine, with the same token") from error
        seconds = (trio.current_time() - began) / len(toolboxes)
    return [*found, Finding(CHECK, "ok", f"the Store at {where} answers in {shown_ms(seconds)}")]


def _agents(path: Path | None, language: str) -> Agents | None:
    """None where they cannot be read, which the check of the settings tells by line."""
    try:
        return load_agents(path, language)
    except ConfigError:
        return None
