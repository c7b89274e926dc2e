"""A node that is killed in mid-conversation: its call is speaking again on another one, which knows all that was said.

Two engines, one PostgreSQL, one Redis; a Claude that notes what it is asked. The caller comes back as the dialplan
does: it asks a living node for the outcome, and connects there with the same UUID."""

import json
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
import trio

from callengine.agent import load_agent
from callengine.caller.phone import open_phone
from tests.agent_files import calm_agent
from tests.claude_dialog import PATIENT
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_serve import GOODBYE, closed_record, open_api
from tests.messages_api import Act, open_messages_api
from tests.messages_api.server import KEY
from tests.state_servers import running

pytestmark = [pytest.mark.integration, pytest.mark.slow]

AGENT = load_agent(None, "en-GB")
NEVER = 600.0

Messages = list[Mapping[str, Any]]


class Claude:
    """Answers the n-th question with the n-th answer; `stuck` at one, it says nothing."""

    def __init__(self, stuck: int = 0) -> None:
        self.asked: list[Messages] = []
        self.stuck = stuck

    def choose(self, asked: Mapping[str, Any]) -> Act:
        """What the stand-in answers, from the history alone."""
        messages: Messages = asked["messages"]
        self.asked.append(messages)
        questions = sum(message["role"] == "user" for message in messages) - 1  # one stands before the greeting
        if questions == self.stuck:
            self.stuck = 0
            return Act("", silent_for=NEVER)
        return Act(f"This is answer {'abcdefg'[questions - 1]}.")

    @asynccontextmanager
    async def open(self, _folder: Path) -> AsyncIterator[str]:
        """The stand-in."""
        async with open_messages_api() as api:
            api.choose = self.choose
            yield api.url


def said_in(messages: Messages) -> str:
    """All the words of a request's messages, in their order."""
    parts = [message["content"] for message in messages]
    texts = [part if isinstance(part, str) else " ".join(block.get("text", "") for block in part) for part in parts]
    return " ".join(texts)


def is_kept(state: Mapping[str, str], call_id: UUID, answer: str) -> bool:
    """Whether the answer is in the record, and it and both questions are where another node finds them: both are told
    behind the call, on a busy machine much later."""
    with psycopg.connect(state["DATABASE_URL"]) as database:
        query = "SELECT count(*) FROM turns WHERE call_id = %s AND text LIKE %s"
        recorded = database.execute(query, (str(call_id), f"%{answer}%")).fetchone() == (1,)
    with redis.from_url(state["REDIS_URL"], decode_responses=True) as client:
        checkpoint = str(client.get(f"callengine:{{call:{call_id}}}:checkpoint"))
    return recorded and answer in checkpoint and [kind for kind, _ in json.loads(checkpoint)["items"]].count("c") == 2


async def ask_and_lose(
    engine: EngineProcess, call_id: UUID, claude: Claude, end: signal.Signals, state: Mapping[str, str]
) -> None:
    """A caller asks twice; with the second question asked (and answered, unless Claude is stuck) the engine ends."""
    answer = "answer a" if claude.stuck else "answer b"
    with trio.fail_after(120):
        async with open_phone("127.0.0.1", engine.port, call_id) as phone:
            for _ in range(2):
                assert await phone.agent_silent(0.6)
                assert await phone.say(GOODBYE)
            if claude.stuck:
                while claude.stuck:
                    await trio.sleep(0.01)
            else:
                assert await phone.agent_silent(0.6)
            while not await trio.to_thread.run_sync(is_kept, state, call_id, answer):
                await trio.sleep(0.05)
            engine.tell(end)
            await phone.over()
            assert await trio.to_thread.run_sync(engine.status) == (0 if end is signal.SIGTERM else -end)


def of_both(claude_url: str) -> dict[str, str]:
    """The settings of both nodes, but for what they keep their state in."""
    return {
        "DIALOG_BACKEND": "claude",
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": claude_url,
        "CALL_LANGUAGE": "en-GB",
        "DRAIN_SECONDS": "0",
        **PATIENT,
    }


@pytest.mark.parametrize(
    ("end", "thinking"),
    [(signal.SIGKILL, False), (signal.SIGKILL, True), (signal.SIGTERM, False)],
    ids=["killed between turns", "killed while it thinks", "drained"],
)
async def test_the_call_of_a_node_that_ends_goes_on_at_another(
    end: signal.Signals, thinking: bool, tmp_path: Path, database_url: str, redis_url: str
) -> None:
    call_id, claude = uuid4(), Claude(stuck=2 if thinking else 0)
    with running(claude.open, tmp_path) as url:
        settings = of_both(url) | {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        settings["AGENT_FILE"] = calm_agent(tmp_path, "en")
        with (
            running_engine(tmp_path / "one", NODE_NAME="one", **settings) as one,
            running_engine(tmp_path / "two", NODE_NAME="two", **settings) as two,
        ):
            await ask_and_lose(one, call_id, claude, end, settings)
            async with open_api(two) as api:
                assert (await api.get(f"/api/v1/calls/{call_id}/outcome")).text == "retry"
                async with open_phone("127.0.0.1", two.port, call_id) as phone:
                    assert await phone.agent_speaking()
                    assert await phone.agent_silent(1.0)
                    assert await phone.say(GOODBYE)
                    assert await phone.agent_silent(1.0)
                    phone.hang_up()
                while (record := await closed_record(api, call_id))["outcome"] == "handed_over":
                    await trio.sleep(0.05)
    questions = [turn["text"] for turn in record["turns"] if turn["role"] == "caller"]
    second = [AGENT.back_again + " This is answer b."] if thinking else ["This is answer b.", AGENT.back_again]
    first, then, now = questions
    told = [AGENT.greeting, first, "This is answer a.", then, *second, now, "This is answer c."]
    assert [turn["text"] for turn in record["turns"]] == told
    times = [turn["started"] for turn in record["turns"]]
    assert times == sorted(times)
    assert (record["node"], record["outcome"]) == ("one", "completed")
    history = said_in(claude.asked[-1])
    words = ("answer a", AGENT.back_again, "answer b") if thinking else ("answer a", "answer b", AGENT.back_again)
    assert sorted(words, key=history.index) == list(words)
    assert [history.count(question) for question in questions] == [questions.count(question) for question in questions]
