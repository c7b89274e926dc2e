"""Agent files of tests, with a Store's document beside them."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from callengine.agent import load_agent, packaged_agent
from callengine.services.memory_writes import MemoryWriteLog
from callengine.services.store import open_store
from callengine.services.store_tools import StoreTool
from callengine.toolboxes import agent_tools

PHRASES = """\
language = "en-GB"
greeting = "Hello."
goodbye = "Bye."
apology = "Sorry."
transferring = "One moment."
too_long = "Time is up."
"""


def write_agent(folder: Path, document: Mapping[str, Any], text: str) -> Path:
    """An agent file with these lines after its phrases (6 lines) and its document (line 7)."""
    (folder / "store.json").write_text(json.dumps(document), encoding="utf-8")
    path = folder / "agent.toml"
    path.write_text(f'{PHRASES}store.document = "store.json"\n{text}', encoding="utf-8")
    return path


def calm_agent(folder: Path, language: str = "ru", packaged: Path | None = None) -> Path:
    """The packaged agent without its fillers: what it says does not depend on how fast this machine is today."""
    packaged = packaged or packaged_agent(language)
    text = packaged.read_text(encoding="utf-8").replace('"store-api.yaml"', f'"{packaged.parent}/store-api.yaml"')
    path = folder / f"calm-{language}.toml"
    path.write_text(re.sub(r"(?m)^fillers = .*\n", "", text), encoding="utf-8")
    return path


async def tools_of(folder: Path, document: Mapping[str, Any], text: str) -> tuple[StoreTool, ...]:
    """The tools of such a file. Raises ConfigError."""
    agent = load_agent(write_agent(folder, document, text), "en")
    async with open_store("http://nowhere", "", MemoryWriteLog()) as store:
        return await agent_tools(store, agent, {})
