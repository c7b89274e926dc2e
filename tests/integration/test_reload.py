"""SIGHUP: new calls get the agents that there are now, calls that are up keep theirs, mistakes change nothing."""

import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import trio

from callengine.caller.phone import Phone, open_phone
from tests.engine_process import EngineProcess, Line, running_engine
from tests.integration.test_serve import closed_record, open_api

pytestmark = pytest.mark.integration

DOCUMENT: dict[str, Any] = {"openapi": "3.1.0", "paths": {"/things": {"get": {"operationId": "find"}}}}
AGENT = """\
language = "{language}"
greeting = "{name} greets."
goodbye = "Bye."
apology = "Sorry."
transferring = "{name} transfers."
too_long = "Time is up."
store.document = "store.json"
transfer.targets = ["{name}"]
tools.find.operation = "{operation}"
tools.find.description = "Find things."
"""


def write(folder: Path, name: str, language: str = "ru-RU", operation: str = "find") -> None:
    text = AGENT.format(name=name, language=language, operation=operation)
    (folder / f"{language}.toml").write_text(text, encoding="utf-8")


async def told(engine: EngineProcess, event: str, times: int) -> Line:
    """The line of the log that a signal led to, the so-manieth."""
    while len(lines := [line for line in engine.log() if line["event"] == event]) < times:
        await trio.sleep(0.02)
    return lines[times - 1]


@asynccontextmanager
async def open_call(
    engine: EngineProcess, api: httpx.AsyncClient, call_id: UUID, language: str = ""
) -> AsyncIterator[Phone]:
    """A call that the dialplan has told of."""
    assert (await api.post(f"/api/v1/calls/{call_id}", data={"language": language})).status_code == 201
    async with open_phone("127.0.0.1", engine.port, call_id) as phone:
        yield phone


async def transferred(api: httpx.AsyncClient, phone: Phone, call_id: UUID, target: str) -> list[str]:
    """Have a call put through; what its agent has said from beginning to end."""
    assert await phone.agent_silent(0.2)
    response = await api.post(f"/api/v1/calls/{call_id}/transfer", json={"target": target})
    assert response.is_success, response.text
    await phone.over()
    record = await closed_record(api, call_id)
    assert record["target"] == target
    return [turn["text"] for turn in record["turns"]]


async def test_new_calls_have_the_agents_of_now(tmp_path: Path) -> None:
    folder, (before, after, english) = tmp_path / "agents", (uuid4() for _ in range(3))
    folder.mkdir()
    (folder / "store.json").write_text(json.dumps(DOCUMENT), encoding="utf-8")
    write(folder, "Alpha")
    # who is registered is waited for, however slow this machine
    with running_engine(tmp_path / "data", AGENT_FILE=str(folder), REQUIRE_REGISTRATION="on") as engine:
        async with open_api(engine) as api, open_call(engine, api, before) as old:
            assert await old.agent_speaking()
            write(folder, "Beta")
            write(folder, "Gamma", "en-GB")
            engine.tell(signal.SIGHUP)
            assert (await told(engine, "agents_reloaded", 1))["languages"] == ["en-GB", "ru-RU"]
            async with open_call(engine, api, after) as new:
                assert await transferred(api, new, after, "Beta") == ["Beta greets.", "Beta transfers."]
            async with open_call(engine, api, english, language="en") as another:
                assert await transferred(api, another, english, "Gamma") == ["Gamma greets.", "Gamma transfers."]
            assert await transferred(api, old, before, "Alpha") == ["Alpha greets.", "Alpha transfers."]


async def test_a_mistake_is_one_line_and_the_agents_stay(tmp_path: Path) -> None:
    folder, call_id = tmp_path / "agents", uuid4()
    folder.mkdir()
    (folder / "store.json").write_text(json.dumps(DOCUMENT), encoding="utf-8")
    write(folder, "Alpha")
    with running_engine(tmp_path / "data", AGENT_FILE=str(folder)) as engine:
        async with open_api(engine) as api:
            write(folder, "")  # no name for a target
            engine.tell(signal.SIGHUP)
            mistake = await told(engine, "agents_kept", 1)
            assert mistake["problem"].startswith(f"AGENT_FILE: {folder}/ru-RU.toml:8: transfer.targets")
            write(folder, "Beta", operation="found")
            engine.tell(signal.SIGHUP)
            mistake = await told(engine, "agents_kept", 2)
            assert mistake["problem"].startswith(f"AGENT_FILE: {folder}/ru-RU.toml:9: tools.find.operation")
            async with open_phone("127.0.0.1", engine.port, call_id) as phone:
                assert await transferred(api, phone, call_id, "Alpha") == ["Alpha greets.", "Alpha transfers."]
            more = {"paths": {"/things": {"get": {"operationId": "found"}}}}
            (folder / "store.json").write_text(json.dumps(DOCUMENT | more), encoding="utf-8")
            engine.tell(signal.SIGHUP)
            await told(engine, "agents_reloaded", 1)
    errors = [line["event"] for line in engine.log() if line["level"] == "error"]
    assert errors == ["agents_kept", "agents_kept"]
