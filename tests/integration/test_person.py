"""A whole engine and people: who is to be called back, and what whoever takes a call over is told. Real sockets."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import trio

from callengine.caller.phone import Phone, open_phone
from callengine.ports.reasoning import CALL_BACK, END_CALL, REPEAT, TRANSFER
from tests.agent_files import calm_agent
from tests.claude_dialog import PATIENT
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_serve import GOODBYE, NUMBER, closed_record, open_api
from tests.messages_api import Act, MessagesApi, Tool, open_messages_api
from tests.messages_api.server import KEY

pytestmark = pytest.mark.integration

ABOUT = "Хочет четыре зимних колеса."
KNOWN = {"REQUIRE_REGISTRATION": "on"}  # who is registered is waited for, however slow this machine


@asynccontextmanager
async def open_engine(folder: Path, *acts: Act, **settings: str) -> AsyncIterator[tuple[EngineProcess, MessagesApi]]:
    """An engine with Claude, who does this, and is waited for."""
    async with open_messages_api(list(acts)) as claude:
        dialog = {"DIALOG_BACKEND": "claude", "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": claude.url}
        calm = PATIENT | {"AGENT_FILE": calm_agent(folder)}
        running = running_engine(folder / "data", **dialog, **(calm | settings))
        # in a thread: while it starts it asks Claude for the model
        engine = await trio.to_thread.run_sync(running.__enter__)
        try:
            yield engine, claude
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(running.__exit__, None, None, None)


async def register(api: httpx.AsyncClient) -> UUID:
    call_id = uuid4()
    form = {"caller": NUMBER, "name": "Пётр"}
    assert (await api.post(f"/api/v1/calls/{call_id}", data=form)).status_code == 201
    return call_id


async def ask(phone: Phone) -> None:
    assert await phone.agent_silent(0.6)
    assert await phone.say(GOODBYE)


def tools_of(asked: Mapping[str, Any]) -> set[str]:
    return {tool["name"] for tool in asked["tools"]}


async def test_who_is_to_be_called_back_is_listed_and_in_no_log(tmp_path: Path) -> None:
    wish = Tool(CALL_BACK.name, {"about": ABOUT, "when": "завтра утром"}, id="toolu_1")
    async with open_engine(tmp_path, Act("", (wish,)), Act("Записала, вам перезвонят."), **KNOWN) as (engine, claude):
        async with open_api(engine) as api:
            call_id = await register(api)
            async with open_phone("127.0.0.1", engine.port, call_id) as phone:
                await ask(phone)
                assert await phone.agent_silent(1.0)
            record = await closed_record(api, call_id)
            (listed,) = (await api.get("/api/v1/callbacks")).json()["callbacks"]
            metrics = (await api.get("/metrics")).text
        log = engine.log_file.read_text(encoding="utf-8")
        own = {END_CALL.name, TRANSFER.name, CALL_BACK.name, REPEAT.name}
        assert all(own <= tools_of(asked.json) for asked in claude.received)
    assert (listed["call_id"], listed["number"], listed["name"]) == (str(call_id), NUMBER, "Пётр")
    assert (listed["about"], listed["when"]) == (ABOUT, "завтра утром")
    assert record["callbacks"] == [listed]
    assert [tool["name"] for tool in record["tools"]] == [CALL_BACK.name]
    assert "callengine_callbacks_total 1.0" in metrics
    assert NUMBER not in log
    assert ABOUT not in log


async def test_whoever_takes_a_call_over_is_told_of_it_on_a_connection_of_their_own(tmp_path: Path) -> None:
    summary = "Пётр хочет четыре зимних колеса."
    put_through = Act("", (Tool(TRANSFER.name, {"target": "operator", "summary": summary}, id="toolu_1"),))
    async with open_engine(tmp_path, put_through, **KNOWN) as (engine, _), open_api(engine) as api:
        call_id = await register(api)
        async with open_phone("127.0.0.1", engine.port, call_id) as phone:
            await ask(phone)
            await phone.over()
        assert (await api.get(f"/api/v1/calls/{call_id}/outcome")).text == "transfer:operator"
        connection = UUID((await api.get(f"/api/v1/calls/{call_id}/announcement")).text)
        async with open_phone("127.0.0.1", engine.port, connection) as person:
            assert await person.agent_speaking()
            await person.over()
        record = await closed_record(api, call_id)
        calls = (await api.get("/api/v1/calls")).json()["calls"]
        assert [line["call_id"] for line in engine.log() if line["event"] == "announced"] == [str(connection)]
        assert summary not in engine.log_file.read_text(encoding="utf-8")
    assert (record["outcome"], record["target"], record["summary"]) == ("transferred", "operator", summary)
    assert [call["call_id"] for call in calls] == [str(call_id)], "being told is no call"
