"""A whole engine with Claude behind it: what is said, what is recorded, what is counted."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trio
import typer
from typer.testing import CliRunner

from callengine.caller.phone import open_phone
from callengine.cli.call import call
from tests.agent_files import calm_agent
from tests.claude_dialog import PATIENT
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_serve import GOODBYE, closed_record, open_api
from tests.messages_api.__main__ import ANSWER
from tests.messages_api.server import KEY, running_messages_api

pytestmark = pytest.mark.integration


async def test_a_call_with_claude(tmp_path: Path) -> None:
    call_id = uuid4()
    with running_messages_api() as url:
        claude = {"DIALOG_BACKEND": "claude", "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url}
        calm = PATIENT | {"AGENT_FILE": calm_agent(tmp_path)}
        with running_engine(tmp_path / "data", **claude, **calm) as engine:
            async with open_api(engine) as api:
                async with open_phone("127.0.0.1", engine.port, call_id) as phone:
                    for _ in range(2):
                        assert await phone.agent_silent(0.6)
                        assert await phone.say(GOODBYE)
                        assert await phone.agent_speaking()
                    assert await phone.agent_silent(0.6)
                    phone.hang_up()
                record = await closed_record(api, call_id)
                told = await trio.to_thread.run_sync(placed_call, engine)
                metrics = (await api.get("/metrics")).text
            assert not [line for line in engine.log() if line["event"] in ("claude_failed", "call_failed")]
    assert [turn["text"] for turn in record["turns"] if turn["role"] == "agent"][1:] == [ANSWER.text] * 2
    counted = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if line.startswith("callengine_"))
    assert float(counted['callengine_llm_tokens_total{kind="cache_read"}']) > 0
    assert float(counted['callengine_llm_tokens_total{kind="output"}']) == 2 * len(ANSWER.text.split())
    of_turns = [used for turn in record["turns"] for used in turn["used"] if used["service"] == "llm"]
    [model] = [used for used in record["used"] if used["service"] == "llm"]
    assert (model["product"], model["output_tokens"]) == ("claude-haiku-5-5", 2 * len(ANSWER.text.split()))
    assert sum(used["cache_read_tokens"] for used in of_turns) == model["cache_read_tokens"] > 0
    assert record["cost_usd"]["llm"] == model["usd"] == record["cost_usd"]["total"] > 0
    assert float(counted['callengine_cost_usd_total{service="llm"}']) == pytest.approx(model["usd"])
    assert float(counted['callengine_stage_seconds_count{stage="first_token"}']) == 2
    assert told[-1]["event"] == "record"
    assert [used["product"] for used in told[-1]["used"]] == ["scripted"]
    assert told[-1]["cost_usd"] == {"stt": 0.0, "llm": 0.0, "tts": 0.0, "total": 0.0}


def placed_call(engine: EngineProcess) -> list[dict[str, Any]]:
    """What `callengine call` tells of a call without a word, and of its record."""
    app = typer.Typer()
    app.command()(call)
    arguments = [engine.audiosocket, "--json", "--stay", "0.5", "--api", f"http://{engine.api}"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert (result.exit_code, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines()]
