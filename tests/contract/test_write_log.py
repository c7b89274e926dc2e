"""What every record of writes promises: who asks first is told nothing is known, who comes later what is."""

from dataclasses import replace

import pytest

from callengine.ports.writes import Write, WriteLog
from callengine.services.memory_writes import MemoryWriteLog

WRITE = Write("key-1", "call-1", "createOrder")


@pytest.fixture(params=[MemoryWriteLog])
def log(request: pytest.FixtureRequest) -> WriteLog:
    found: WriteLog = request.param()
    return found


async def test_a_write_is_open_until_it_is_done(log: WriteLog) -> None:
    assert await log.begin(WRITE) is None
    assert await log.begin(replace(WRITE, call_id="call-2")) == WRITE
    done = replace(WRITE, state="done", answer='{"number": 1}')
    await log.done(done)
    assert await log.begin(WRITE) == done
    assert await log.begin(replace(WRITE, key="key-2")) is None


async def test_what_was_not_done_is_forgotten(log: WriteLog) -> None:
    await log.undone("key-1")
    assert await log.begin(WRITE) is None
    await log.undone("key-1")
    assert await log.begin(WRITE) is None
