"""A whole engine with Claude behind it: what is said, what is recorded, what is counted."""

from pathlib import Path
from uuid import uuid4

import pytest

from callengine.caller.phone import open_phone
from tests.engine_process import running_engine
from tests.integration.test_serve import GOODBYE, closed_record, open_api
from tests.messages_api.__main__ import ANSWER
from tests.messages_api.server import KEY, running_messages_api

pytestmark = pytest.mark.integration


async def test_a_call_with_claude(tmp_path: Path) -> None:
    call_id = uuid4()
    with running_messages_api() as url:
        claude = {"DIALOG_BACKEND": "claude", "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url}
        with running_engine(tmp_path / "data", **claude) as engine:
            async with open_api(engine) as api:
                async with open_phone("127.0.0.1", engine.port, call_id) as phone:
                    for _ in range(2):
                        assert await phone.agent_silent(0.6)
                        assert await phone.say(GOODBYE)
                        assert await phone.agent_speaking()
                    assert await phone.agent_silent(0.6)
                    phone.hang_up()
                record = await closed_record(api, call_id)
                metrics = (await api.get("/metrics")).text
            assert not [line for line in engine.log() if line["event"] in ("claude_failed", "call_failed")]
    assert [turn["text"] for turn in record["turns"] if turn["role"] == "agent"][1:] == [ANSWER.text] * 2
    counted = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if line.startswith("callengine_llm_tokens"))
    assert float(counted['callengine_llm_tokens_total{kind="cache_read"}']) > 0
    assert float(counted['callengine_llm_tokens_total{kind="output"}']) == 2 * len(ANSWER.text.split())
