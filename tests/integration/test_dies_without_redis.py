"""A node is killed while Redis is away, and the dialplan brings its caller to another node, which can know nothing of
the call: what was said on both is in the record, in its order, once.

Two engines, one PostgreSQL, and a Redis that does not have the call when it changes nodes."""

import signal
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
import trio

from callengine.caller.phone import Phone, open_phone
from callengine.services.embedded_valkey import open_valkey
from tests.agent_files import brief_agent
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_serve import GOODBYE, closed_record, open_api
from tests.integration.test_serve_state_away import address_of, until_well
from tests.state_servers import running

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def recorded(database_url: str, call_id: UUID) -> list[tuple[str, str]]:
    """Who said what, as PostgreSQL has it."""
    with psycopg.connect(database_url) as connection:
        query = "SELECT role, text FROM turns WHERE call_id = %s ORDER BY sequence"
        return connection.execute(query, (str(call_id),)).fetchall()


async def ask(phone: Phone, call_id: UUID, database_url: str, turns: int) -> None:
    """A caller hears the greeting and asks one thing; the answer is the record's turn number `turns`."""
    assert await phone.agent_silent(0.6)
    assert await phone.say(GOODBYE)
    while len(recorded(database_url, call_id)) < turns:
        await trio.sleep(0.05)


async def ask_and_lose(engine: EngineProcess, call_id: UUID, database_url: str, redis: ExitStack) -> None:
    """With the answer in the record Redis goes, where it was there at all, and then the engine is killed."""
    async with open_phone("127.0.0.1", engine.port, call_id) as phone:
        await ask(phone, call_id, database_url, 3)
        await trio.to_thread.run_sync(redis.close)
        engine.tell(signal.SIGKILL)
        assert await trio.to_thread.run_sync(engine.status) == -signal.SIGKILL
        await phone.over()


@pytest.mark.parametrize("redis", ["never there", "gone before the node", "back and empty"])
async def test_what_was_said_on_both_nodes_is_in_the_record(
    redis: str, tmp_path: Path, short_path: Path, database_url: str
) -> None:
    call_id, folder = uuid4(), short_path
    settings = {"DATABASE_URL": database_url, "REDIS_URL": address_of(open_valkey, folder)}
    settings["AGENT_FILE"] = brief_agent(tmp_path)
    with ExitStack() as until_lost, ExitStack() as again:
        if redis == "gone before the node":
            until_lost.enter_context(running(open_valkey, folder))
        one = again.enter_context(running_engine(tmp_path / "one", NODE_NAME="one", **settings))
        two = again.enter_context(running_engine(tmp_path / "two", NODE_NAME="two", **settings))
        async with open_api(two) as api:
            await ask_and_lose(one, call_id, database_url, until_lost)
            before = recorded(database_url, call_id)
            if redis == "back and empty":
                again.enter_context(running(open_valkey, folder))
                await until_well(api, "redis")
            assert (await api.get(f"/api/v1/calls/{call_id}/outcome")).text == "retry"
            async with open_phone("127.0.0.1", two.port, call_id) as phone:
                await ask(phone, call_id, database_url, 6)
                phone.hang_up()
            record = await closed_record(api, call_id)
    told = [(turn["role"], turn["text"]) for turn in record["turns"]]
    assert [role for role, _ in told] == ["agent", "caller", "agent"] * 2
    assert told[:3] == before
    assert told[3:5] == before[:2], "the second node knew nothing: they were greeted, and asked again"
    numbers = [turn["sequence"] for turn in record["turns"]]
    assert all(one < other for one, other in pairwise(numbers))
    tools = [tool["sequence"] for tool in record["tools"]]
    assert len(tools) == 2 and numbers[1] < tools[0] < numbers[2] and numbers[4] < tools[1] < numbers[5]
    assert (record["node"], record["outcome"]) == ("one", "completed")
