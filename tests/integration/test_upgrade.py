"""The schema goes to the next version's while calls are up: they go on, and their record is whole.

Once with a step that is made up, and once with the engine as it was before the newest step was written, taken out of
the history: that one is the road of a shop that upgrades."""

import io
import subprocess
import tarfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import trio

from callengine.caller.phone import Phone, open_phone
from callengine.services import schema
from tests.agent_files import brief_agent
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_migrations import LAST, LATER, later_version
from tests.integration.test_serve import GOODBYE, closed_record, open_api, until_well

__all__ = ["later_version"]  # a fixture
pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
STEPS = "callengine/services/migrations"
EARLIER = ("callengine", "backends", "gpu", "docs/store-api.yaml")  # the last: the agents' files have a link to it


async def begin(phone: Phone) -> None:
    """The first turn, which the record then has."""
    assert await phone.agent_silent(0.6)
    assert await phone.say(GOODBYE)
    assert await phone.agent_silent(1.0)


async def end(phone: Phone) -> None:
    """Another turn. The caller hangs up where the phone's block is left."""
    assert await phone.say(GOODBYE)
    assert await phone.agent_silent(1.0)


def assert_whole(record: dict[str, Any], said: int = 2) -> None:
    """All that was said is there, in its order."""
    assert record["outcome"] == "completed"
    assert sum(turn["role"] == "caller" for turn in record["turns"]) == said
    assert [turn["sequence"] for turn in record["turns"]] == sorted({turn["sequence"] for turn in record["turns"]})
    assert record["turns"][0]["role"] == record["turns"][-1]["role"] == "agent"


def applied(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [name for (name,) in connection.execute(schema.SELECT_STEPS)]


async def test_the_next_version_s_step_is_applied_while_this_one_s_calls_are_up(
    database_url: str, redis_url: str, tmp_path: Path, later_version: None
) -> None:
    call_id = uuid4()
    settings = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "AGENT_FILE": brief_agent(tmp_path)}
    with running_engine(tmp_path / "data", **settings) as engine:
        async with open_api(engine) as api:
            async with open_phone("127.0.0.1", engine.port, call_id) as phone:
                await begin(phone)
                assert await schema.migrate(database_url) == 1
                await end(phone)
            record = await closed_record(api, call_id)
            await until_well(api)
    assert applied(database_url)[-1] == LATER
    assert_whole(record)


def git(*words: str) -> bytes:
    command = ("git", "-c", "safe.directory=*", "-C", str(ROOT), *words)
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.fixture(scope="session")
def earlier_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages as they were before the newest step of the schema came."""
    try:
        added = git("log", "--diff-filter=A", "--format=%H", "-1", "--", f"{STEPS}/{LAST}.sql").decode().strip()
        if not added:
            raise ValueError(f"no commit added {LAST}")
        archive = git("archive", "--format=tar", f"{added}^", *EARLIER)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no history to take the earlier version out of: {error}")
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    assert not (folder / STEPS / f"{LAST}.sql").exists()
    return folder


@pytest.mark.may_skip
@pytest.mark.slow
async def test_the_version_before_goes_on_with_its_calls_when_this_one_starts(
    empty_database_url: str, redis_url: str, tmp_path: Path, earlier_code: Path
) -> None:
    url, first, second = empty_database_url, uuid4(), uuid4()
    agent = brief_agent(tmp_path, packaged=earlier_code / "callengine/agents/ru.toml")
    settings = {"DATABASE_URL": url, "REDIS_URL": redis_url, "AGENT_FILE": agent}
    earlier = {"PYTHONPATH": f"{earlier_code}:{earlier_code / 'gpu'}", "PYTHONSAFEPATH": "1", "NODE_NAME": "earlier"}
    with running_engine(tmp_path / "earlier", **settings, **earlier) as old, ExitStack() as later:
        assert LAST not in applied(url)
        async with open_api(old) as api:
            async with open_phone("127.0.0.1", old.port, first) as phone:
                assert await phone.agent_speaking()
                start = running_engine(tmp_path / "later", NODE_NAME="later", **settings)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(begin, phone)
                    new = await trio.to_thread.run_sync(later.enter_context, start)
                assert applied(url)[-1] == LAST
                await end(phone)
            assert_whole(await closed_record(api, first))
        async with open_api(new) as api:
            assert_whole(await closed_record(api, first))
            assert_whole(await a_call(new, api, second), said=1)


async def a_call(engine: EngineProcess, api: httpx.AsyncClient, call_id: UUID) -> dict[str, Any]:
    """The record of a call of its own."""
    async with open_phone("127.0.0.1", engine.port, call_id) as phone:
        await begin(phone)
    return await closed_record(api, call_id)
