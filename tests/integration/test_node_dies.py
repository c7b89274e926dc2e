"""A node that is killed in mid-order: the order is sent, its answer never heard; another node has the same call then.

Two engines, one Redis, one Store over real sockets; a Claude that orders whenever it is asked."""

import json
import signal
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
import trio

from callengine.agent import packaged_agent
from callengine.caller.phone import open_phone
from tests.claude_dialog import PATIENT
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_serve import GOODBYE, closed_record, open_api
from tests.messages_api import Act, Tool, open_messages_api
from tests.messages_api.server import KEY
from tests.state_servers import running
from tests.store_child import running_store

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PHONE = "+79995550000"
ITEMS = [{"product_id": "B-001", "quantity": 2}]
ORDER = Tool("place_order", {"items": ITEMS, "branch_id": "north", "phone": PHONE})
LATE = ("--fault", "late=60", "--fault-on", "POST", "--fault-times", "1")


def order_or_tell(asked: Mapping[str, Any]) -> Act:
    """What the stand-in answers: an order upon words, words upon an order."""
    results = [block for block in asked["messages"][-1]["content"] if block["type"] == "tool_result"]
    return Act("I have told you what became of it.") if results else Act("I am placing the order.", (ORDER,))


@asynccontextmanager
async def open_orderer(_folder: Path) -> AsyncIterator[str]:
    async with open_messages_api() as api:
        api.choose = order_or_tell
        yield api.url


def doubting_agent(folder: Path) -> Path:
    """The packaged agent, which believes of this Store that it honours no key."""
    packaged = packaged_agent("en")
    text = packaged.read_text(encoding="utf-8")
    text = text.replace('operation = "createOrder"', 'operation = "createOrder"\nrepeat = false')
    path = folder / "agent.toml"
    path.write_text(text.replace('"store-api.yaml"', f'"{packaged.parent}/store-api.yaml"'), encoding="utf-8")
    return path


def orders_in(database: Path) -> list[int]:
    """The numbers of the orders that were placed from PHONE."""
    with closing(sqlite3.connect(database)) as store:
        return [number for (number,) in store.execute("select number from orders where phone = ?", (PHONE,))]


async def order_and_die(engine: EngineProcess, call_id: UUID, database: Path) -> None:
    """A caller orders; the engine is killed once the Store has the order, before it has answered."""
    with trio.fail_after(60):
        async with open_phone("127.0.0.1", engine.port, call_id) as phone:
            await phone.agent_silent(0.6)
            await phone.say(GOODBYE)
            while not orders_in(database):
                await trio.sleep(0.01)
            engine.tell(signal.SIGKILL)
            assert await trio.to_thread.run_sync(engine.status) == -signal.SIGKILL
            await phone.over()


async def order_again(engine: EngineProcess, call_id: UUID) -> dict[str, Any]:
    """The dialplan brings the caller to another node, which goes on with the turn, and the caller asks again; what the
    tool told the model, each time the same."""
    async with open_api(engine) as api:
        async with open_phone("127.0.0.1", engine.port, call_id) as phone:
            await phone.agent_silent(0.6)
            await phone.say(GOODBYE)
            assert await phone.agent_speaking()
            assert await phone.agent_silent(1.0)
            phone.hang_up()
        record = await closed_record(api, call_id)
    told: list[dict[str, Any]] = [json.loads(tool["result"]) for tool in record["tools"]]
    assert told
    assert all(each == told[0] for each in told)
    return told[0]


@pytest.mark.parametrize("honours", [True, False], ids=["a store that honours keys", "a store without keys"])
async def test_an_order_in_flight_on_a_node_that_is_killed_is_placed_once(
    honours: bool, tmp_path: Path, database_url: str, redis_url: str
) -> None:
    call_id, database = uuid4(), tmp_path / "store.sqlite"
    keys = () if honours else ("--no-idempotency",)
    with (
        running(open_orderer, tmp_path) as claude,
        running_store("", "--database", str(database), *LATE, *keys) as store,
    ):
        settings = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "STORE_API_URL": store,
            "DIALOG_BACKEND": "claude",
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": claude,
            "CALL_LANGUAGE": "en-GB",
            **PATIENT,
            **({} if honours else {"AGENT_FILE": str(doubting_agent(tmp_path))}),
        }
        with (
            running_engine(tmp_path / "one", NODE_NAME="one", **settings) as one,
            running_engine(tmp_path / "two", NODE_NAME="two", **settings) as two,
        ):
            await order_and_die(one, call_id, database)
            with redis.from_url(redis_url, decode_responses=True) as client:
                (key,) = client.keys("callengine:write:*")
                assert json.loads(client.get(key))["state"] == "open", "the node had its answer before it was killed"
                told = await order_again(two, call_id)
                assert json.loads(client.get(key))["state"] == ("done" if honours else "open")
    (number,) = orders_in(database)
    if honours:
        assert told["number"] == number
        with closing(sqlite3.connect(database)) as kept:
            assert kept.execute("select key from written_once").fetchall() == [(key.rpartition(":")[2],)]
    else:
        assert "nobody knows whether it was done" in told["error"]
        assert [order["number"] for order in told["found"]["orders"]] == [number]
