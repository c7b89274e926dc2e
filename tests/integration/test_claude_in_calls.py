"""A whole engine whose Claude is overloaded, or whose caller goes on: what is asked on the wire, heard and recorded."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from callengine.agent import load_agent
from callengine.caller.phone import open_phone
from tests.claude_dialog import FALLBACK, OVERLOADED, models
from tests.integration.test_person import ask, open_engine
from tests.integration.test_serve import GOODBYE, closed_record, open_api
from tests.messages_api import Act

pytestmark = pytest.mark.integration

AGENT = load_agent(None, "ru-RU")
ANSWER = "Да, есть."
HEARD_SECONDS = 3.0  # of silence: the answer is over, and no phrase before it


def said(record: dict[str, Any], role: str) -> list[str]:
    return [turn["text"] for turn in record["turns"] if turn["role"] == role]


async def test_an_overload_is_a_retry_then_one_moment_then_the_other_model(tmp_path: Path) -> None:
    call_id = uuid4()
    async with (
        open_engine(tmp_path, OVERLOADED, OVERLOADED, Act(ANSWER), **FALLBACK) as (engine, claude),
        open_api(engine) as api,
    ):
        async with open_phone("127.0.0.1", engine.port, call_id) as phone:
            await ask(phone)
            assert await phone.agent_silent(HEARD_SECONDS)
            phone.hang_up()
        record = await closed_record(api, call_id)
        assert models(claude) == ["claude-haiku-5-5", "claude-haiku-5-5", "claude-sonnet-5-5"]
    assert said(record, "agent")[1].endswith(f"{AGENT.one_moment} {ANSWER}")  # after 8 s it is said twice
    assert [used["product"] for used in record["used"] if used["service"] == "llm"] == ["claude-sonnet-5-5"]


async def test_an_overload_that_lasts_brings_a_person(tmp_path: Path) -> None:
    call_id = uuid4()
    async with open_engine(tmp_path, OVERLOADED, **FALLBACK) as (engine, claude), open_api(engine) as api:
        async with open_phone("127.0.0.1", engine.port, call_id) as phone:
            await ask(phone)
            await phone.over()
        assert (await api.get(f"/api/v1/calls/{call_id}/outcome")).text == "transfer:operator"
        record = await closed_record(api, call_id)
        assert models(claude)[:3] == ["claude-haiku-5-5", "claude-haiku-5-5", "claude-sonnet-5-5"]
        assert [line["event"] for line in engine.log() if line["level"] == "error"] == ["dialog_failed"]
    assert said(record, "agent")[1].endswith(f"{AGENT.one_moment} {AGENT.failing}")
    assert (record["outcome"], record["target"]) == ("transferred", "operator")


async def test_who_goes_on_while_it_thinks_closes_the_request_and_says_one_thing(tmp_path: Path) -> None:
    call_id = uuid4()
    async with (
        open_engine(tmp_path, Act("", fault="stall"), Act(ANSWER)) as (engine, claude),
        open_api(engine) as api,
    ):
        async with open_phone("127.0.0.1", engine.port, call_id) as phone:
            await ask(phone)
            await claude.wait_received(1)
            assert await phone.say(GOODBYE)
            await claude.wait_left(1)
            assert await phone.agent_silent(HEARD_SECONDS)
            phone.hang_up()
        record = await closed_record(api, call_id)
        first, whole = (asked.json["messages"][-1]["content"][-1]["text"] for asked in claude.received)
    assert whole.startswith(f"{first} ")
    assert said(record, "caller") == [whole]
    assert said(record, "agent")[-1] == ANSWER
