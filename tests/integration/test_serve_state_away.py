"""`callengine serve` that starts while PostgreSQL or Redis is away: it answers calls at once, says what is missing, and
puts everything where it belongs once they are back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
import redis
import trio

from callengine.caller.phone import open_phone
from callengine.services.embedded_postgres import open_postgres
from callengine.services.embedded_valkey import open_valkey
from tests.agent_files import brief_agent
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_serve import closed_record, open_api
from tests.integration.test_serve_database_away import ask_once, kept
from tests.state_servers import OpenServer, running

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def address_of(open_server: OpenServer, folder: Path) -> str:
    """Where a server will be found when it runs; it has run once, and runs no more."""
    with running(open_server, folder) as url:
        return url


def warnings(engine: EngineProcess, event: str) -> list[dict[str, Any]]:
    return [line for line in engine.log() if line["event"] == event]


async def part(api: httpx.AsyncClient, name: str) -> str:
    """A part's state as `/health` has it."""
    return str((await api.get("/health")).json()["parts"][name]["state"])


async def until_well(api: httpx.AsyncClient, name: str) -> None:
    while await part(api, name) != "ok":
        await trio.sleep(0.05)


async def test_without_its_database_it_answers_and_the_record_waits_on_disk(
    short_path: Path, tmp_path: Path, redis_url: str
) -> None:
    """The database has never been migrated: that too is done when it is there."""
    database, data_dir = short_path / "database", tmp_path / "engine"
    settings = {"DATABASE_URL": address_of(open_postgres, database), "REDIS_URL": redis_url, "CALL_LANGUAGE": "en-GB"}
    settings["AGENT_FILE"] = brief_agent(tmp_path, "en")
    with running_engine(data_dir, **settings) as engine:
        async with open_api(engine) as api:
            call_id = await ask_once(engine)
            while "CallClosed" not in kept(data_dir):
                await trio.sleep(0.02)
            assert await part(api, "database") == "failed"
            ready = await api.get("/health/ready")
            assert (ready.status_code, ready.json()["status"]) == (503, "failed")
            assert (await api.get("/health/accepting")).status_code == 200
            with running(open_postgres, database) as url:
                record = await closed_record(api, call_id)
                assert record["turns"]
                await until_well(api, "database")
                while kept(data_dir):
                    await trio.sleep(0.02)
                with psycopg.connect(url) as connection:
                    assert connection.execute("SELECT count(*) FROM calls").fetchone() == (1,)
                assert len(warnings(engine, "database_migrated")) == 1
                engine.process.terminate()
                assert await trio.to_thread.run_sync(engine.status) == 0
    [away] = warnings(engine, "database_away")
    assert away["level"] == "warning"
    assert away["problem"].endswith("(check DATABASE_URL)")


@asynccontextmanager
async def open_call(engine: EngineProcess) -> AsyncIterator[str]:
    """A call that goes on; the key that Redis has of it once it knows of it."""
    call_id = uuid4()
    async with open_phone("127.0.0.1", engine.port, call_id) as phone:
        assert await phone.agent_speaking()
        yield f"callengine:{{call:{call_id}}}:epoch"
        assert phone.ending is None


async def test_without_redis_it_answers_from_memory_and_says_all_of_it_later(tmp_path: Path, database_url: str) -> None:
    folder = tmp_path / "valkey"
    folder.mkdir()
    settings = {"DATABASE_URL": database_url, "REDIS_URL": address_of(open_valkey, folder), "NODE_NAME": "one"}
    with running_engine(tmp_path / "engine", **settings) as engine:
        async with open_api(engine) as api, open_call(engine) as epoch:
            assert await part(api, "redis") == "failed"
            with running(open_valkey, folder) as url, redis.from_url(url, decode_responses=True) as client:
                while not client.exists(epoch):
                    await trio.sleep(0.02)
                assert client.hlen("callengine:{node:one}:calls") == 1
                while not client.exists("callengine:{node:one}:alive"):
                    await trio.sleep(0.02)
                await until_well(api, "redis")
    [away] = warnings(engine, "state_away")
    assert (away["setting"], away["level"]) == ("REDIS_URL", "warning")
