"""What an engine leaves in Redis: every key has a time to live, and in a Cluster a slot of its call's or node's."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
import redis
import trio

from callengine.caller.phone import open_phone
from tests.engine_process import running_engine
from tests.integration.test_serve import GOODBYE, closed_record, open_api

pytestmark = [pytest.mark.integration, pytest.mark.slow]

# Keys of one piece, which no command asks for together with another.
ALONE = re.compile(r"callengine:(nodes|write:.+)")


def lives(url: str) -> dict[str, int]:
    """Every key and the milliseconds that it lives; -1: for ever."""
    with redis.from_url(url, decode_responses=True) as client:
        return {key: client.pttl(key) for key in client.keys("*")}


async def found(url: str, *wanted: str) -> dict[str, int]:
    """What there is once these keys are: a node tells Redis behind its calls, on a busy machine later."""
    while not set(wanted) <= (there := lives(url)).keys():
        await trio.sleep(0.05)
    return there


async def test_every_key_fades_and_has_its_slot(tmp_path: Path, database_url: str, redis_url: str) -> None:
    call_id, announced = uuid4(), uuid4()
    settings = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "CALL_LANGUAGE": "en-GB", "NODE_NAME": "one"}
    settings |= {"STORE_API_URL": "http://127.0.0.1:9/api/v1"}  # nobody asks it for anything
    call = f"callengine:{{call:{call_id}}}"
    of_call = (f"{call}:epoch", f"{call}:checkpoint", f"callengine:{{call:{announced}}}:caller")
    of_node = ("callengine:{node:one}:calls", "callengine:{node:one}:alive")
    with running_engine(tmp_path / "engine", **settings) as engine:
        async with open_api(engine) as api:
            assert (await api.post(f"/api/v1/calls/{announced}", data={"caller": "+79161234567"})).status_code == 201
            async with open_phone("127.0.0.1", engine.port, call_id) as phone:
                assert await phone.agent_silent(0.6)
                assert await phone.say(GOODBYE)
                assert await phone.agent_silent(0.6)
                during = await found(redis_url, *of_call, *of_node)
                assert (await api.post(f"/api/v1/calls/{call_id}/hangup")).is_success  # the dialplan will want to know
                await phone.over()
            await closed_record(api, call_id)
            after = await found(redis_url, f"{call}:outcome")
    everything = during | after
    assert [key for key, life in everything.items() if life == -1] == []
    together = re.compile(r"callengine:\{(call:.+|node:.+|speech|events)\}:")
    assert [key for key in everything if not together.match(key) and not ALONE.match(key)] == []
