"""Agent files of tests: with a Store's document beside them, or the packaged one without what a test would wait for."""

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
HELLO = "Hello?"
# Lines of the packaged agent that a machine's speed decides, or that callers wait for, and what stands there instead.
CALM = {r"^fillers = .*\n": ""}
BRIEF = CALM | {
    r"^greeting = .*$": 'greeting = "Tyre shop."',
    r"^engine = \{ limit = 3 \}": "engine = { limit = 1 }",
    r"^no_input = .*$": f"no_input = {[HELLO] * 30}",
}


def write_agent(folder: Path, document: Mapping[str, Any], text: str) -> Path:
    """An agent file with these lines after its phrases (6 lines) and its document (line 7)."""
    (folder / "store.json").write_text(json.dumps(document), encoding="utf-8")
    path = folder / "agent.toml"
    path.write_text(f'{PHRASES}store.document = "store.json"\n{text}', encoding="utf-8")
    return path


async def tools_of(folder: Path, document: Mapping[str, Any], text: str) -> tuple[StoreTool, ...]:
    """The tools of such a file. Raises ConfigError."""
    agent = load_agent(write_agent(folder, document, text), "en")
    async with open_store("http://nowhere", "", MemoryWriteLog()) as store:
        return await agent_tools(store, agent, {})


def calm_agent(folder: Path, language: str = "ru", packaged: Path | None = None) -> str:
    """AGENT_FILE: the packaged agent (or `packaged`, another version's) without fillers: what it says does not depend
    on how fast this machine is today."""
    return _rewritten(folder / f"calm-{language}.toml", packaged or packaged_agent(language), CALM)


def brief_agent(folder: Path, language: str = "ru", packaged: Path | None = None) -> str:
    """The same, who greets in two words, names one product, and has minutes for a caller who waits for something else.

    Whoever hears a call to its end hears it in real time: three products are twenty seconds of it."""
    return _rewritten(folder / f"brief-{language}.toml", packaged or packaged_agent(language), BRIEF)


def _rewritten(path: Path, packaged: Path, lines: Mapping[str, str]) -> str:
    text = packaged.read_text(encoding="utf-8")
    document = f'document = "{packaged.parent}/store-api.yaml"'
    for line, instead in {**lines, r'^document = "store-api.yaml"$': document}.items():
        text, found = re.subn(line, instead, text, flags=re.MULTILINE)
        assert found == 1, line
    path.write_text(text, encoding="utf-8")
    return str(path)
