"""What every record of writes promises: who asks first is told nothing is known, who comes later what is."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from callengine.ports.writes import Write, WriteLog
from callengine.services.bridge import open_bridge
from callengine.services.memory_writes import MemoryWriteLog
from callengine.services.redis_writes import open_write_log
from tests.recognizers import NOBODY_THERE
from tests.state_servers import FIXTURES, SERVERS

WRITE = Write("key-1", "call-1", "createOrder")


@pytest.fixture(params=["memory", *SERVERS, "redis away"])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[WriteLog]:
    if request.param == "memory":
        yield MemoryWriteLog()
        return
    url = request.getfixturevalue(FIXTURES[request.param]) if request.param in FIXTURES else f"redis://{NOBODY_THERE}/0"
    async with open_bridge() as bridge, open_write_log(url, bridge) as opened:
        yield opened


async def test_a_write_is_open_until_it_is_done(log: WriteLog) -> None:
    assert await log.begin(WRITE) is None
    assert await log.begin(replace(WRITE, call_id="call-2")) == WRITE
    done = replace(WRITE, state="done", answer='{"number": 1, "branch": "Склад"}')
    await log.done(done)
    assert await log.begin(WRITE) == done
    assert await log.begin(replace(WRITE, key="key-2")) is None


async def test_what_was_not_done_is_forgotten(log: WriteLog) -> None:
    await log.undone("key-1")
    assert await log.begin(WRITE) is None
    await log.undone("key-1")
    assert await log.begin(WRITE) is None
