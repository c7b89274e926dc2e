"""`callengine serve` killed while its database is away: the call that came then is in the record, once, after both are
back."""

import signal
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
import trio

from callengine.caller.phone import open_phone
from callengine.services.embedded_postgres import open_postgres
from callengine.services.schema import migrate
from callengine.services.spool_entries import unpacked
from callengine.services.spool_records import Found, all_records
from tests.agent_files import brief_agent
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_serve import GOODBYE, closed_record, open_api
from tests.power_cut import kill_postgres, until
from tests.state_servers import running

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def kept(data_dir: Path) -> list[str]:
    """The kinds of the entries on disk, in order."""
    found: list[Found] = []
    for path in sorted((data_dir / "spool").rglob("*.spool")):
        with suppress(FileNotFoundError):  # its entries have come into the database since it was listed
            found += all_records(path.read_bytes())
    return [type(unpacked(record.payload)).__name__ for record in found]


async def ask_once(engine: EngineProcess) -> UUID:
    """A caller who asks one thing, hears the answer and hangs up."""
    call_id = uuid4()
    async with open_phone("127.0.0.1", engine.port, call_id) as phone:
        assert await phone.agent_silent(0.6)
        assert await phone.say(GOODBYE)
        assert await phone.agent_silent(0.6)
    return call_id


async def test_a_call_while_the_database_is_away_outlives_the_engine(tmp_path: Path, redis_url: str) -> None:
    settings = {"REDIS_URL": redis_url, "CALL_LANGUAGE": "en-GB", "NODE_NAME": "one"}
    settings["AGENT_FILE"] = brief_agent(tmp_path, "en")
    data_dir, database = tmp_path / "engine", tmp_path / "database"
    with running(open_postgres, database) as url:
        await migrate(url)
        with running_engine(data_dir, DATABASE_URL=url, **settings) as engine:
            async with open_api(engine) as api:
                before = await ask_once(engine)
                await closed_record(api, before)
                kill_postgres(database)
                away = await ask_once(engine)
                await until(lambda: "CallClosed" in kept(data_dir))
                health = (await api.get("/health")).json()
            assert health["parts"]["database"]["state"] == "failed"
            assert health["parts"]["spool"]["state"] == "ok"
            assert health["journal_backlog"] == len(kept(data_dir)) > 3
            engine.tell(signal.SIGKILL)
            assert await trio.to_thread.run_sync(engine.status) == -signal.SIGKILL
    with running(open_postgres, database) as url, running_engine(data_dir, DATABASE_URL=url, **settings) as engine:
        async with open_api(engine) as api:
            record = await closed_record(api, away)
            assert [turn["role"] for turn in record["turns"]][:2] == ["agent", "caller"]
        await until(lambda: kept(data_dir) == [])
        with psycopg.connect(url) as connection:
            calls = connection.execute("SELECT call_id, closed_at IS NOT NULL FROM calls ORDER BY opened_at").fetchall()
    assert calls == [(str(before), True), (str(away), True)]
