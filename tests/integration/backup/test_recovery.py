"""The machine of the database is gone: a new server, the newest backup, an engine, a caller who is answered. Timed, for
the runbook's budget is 15 minutes; CALLENGINE_RECOVERY_CALLS is how many calls the shop has had, CI has few."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import trio

from callengine.caller.phone import open_phone
from callengine.services.embedded_postgres import open_postgres
from callengine.services.embedded_valkey import open_valkey
from tests.backup_tools import Shop
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_serve import GOODBYE, closed_record, open_api
from tests.state_servers import running

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CALLS = int(os.environ.get("CALLENGINE_RECOVERY_CALLS", "200"))
TURNS = 20  # a call of three minutes
NEWEST = 0x00000000_0000_4000_8000_000000000001
HAVE_HAD = """
INSERT INTO calls (call_id, node, opened_at, language, number, name, called, fields,
                   closed_at, seconds, outcome, detail, target)
SELECT '00000000-0000-4000-8000-' || lpad(n::text, 12, '0'), 'lost', now() - n * interval '1 minute',
       'ru-RU', '+7916' || 1000000 + n, '', '100', '{}',
       now() - n * interval '1 minute' + interval '3 minutes', 180, 'completed', '', ''
FROM generate_series(1, %(calls)s) n;
"""
HAVE_SAID = """
INSERT INTO turns (call_id, sequence, role, text, started, ended, interrupted, timings)
SELECT '00000000-0000-4000-8000-' || lpad(n::text, 12, '0'), t,
       CASE t %% 2 WHEN 0 THEN 'agent' ELSE 'caller' END, repeat(md5(n || '.' || t), 4),
       t, t + 5, false, '{}'
FROM generate_series(1, %(calls)s) n, generate_series(1, %(turns)s) t;
"""
Record = Callable[[str, object], None]


def fill(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(HAVE_HAD, {"calls": CALLS})
        connection.execute(HAVE_SAID, {"calls": CALLS, "turns": TURNS})


@contextmanager
def new_servers(folder: Path) -> Iterator[dict[str, str]]:
    """What a new machine brings up: empty."""
    for name in ("postgres", "valkey"):
        (folder / name).mkdir(parents=True)
    with running(open_postgres, folder / "postgres") as database, running(open_valkey, folder / "valkey") as redis:
        store = {"STORE_API_URL": "http://127.0.0.1:9/api/v1"}  # nobody asks it for anything
        yield {"DATABASE_URL": database, "REDIS_URL": redis, "CALL_LANGUAGE": "en-GB", **store}


async def answered(engine: EngineProcess) -> tuple[dict[str, Any], dict[str, Any]]:
    """A caller asks something and hears an answer: that call's record, and the newest one of before."""
    call_id = uuid4()
    async with open_api(engine) as api:
        async with open_phone("127.0.0.1", engine.port, call_id) as phone:
            assert await phone.agent_silent(0.6)
            assert await phone.say(GOODBYE)
            assert await phone.agent_speaking()
        return await closed_record(api, call_id), (await api.get(f"/api/v1/calls/{UUID(int=NEWEST)}")).json()


def test_a_caller_is_answered_by_what_came_back(
    shop: Shop, database_url: str, tmp_path: Path, record_property: Record
) -> None:
    fill(database_url)
    made = shop.run("backup", DATABASE_URL=database_url)
    assert made.status == 0, made.stderr
    began = time.monotonic()
    with new_servers(tmp_path / "new") as state:
        back = shop.run("restore", "--identity", str(shop.keys.identity), DATABASE_URL=state["DATABASE_URL"])
        assert back.status == 0, back.stderr
        restored = time.monotonic()
        with running_engine(tmp_path / "engine", **state) as engine:
            now, before = trio.run(answered, engine)
            ended = time.monotonic()
        with psycopg.connect(state["DATABASE_URL"]) as connection:
            counts = connection.execute("SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM turns)").fetchone()
    record_property("figure", f"{restored - began:8.3f} s  a record of {CALLS} calls is back from S3 on a new server")
    record_property("figure", f"{ended - began:8.3f} s  and a caller has been answered")
    assert [turn["role"] for turn in now["turns"]][:2] == ["agent", "caller"]
    assert (before["node"], len(before["turns"])) == ("lost", TURNS)
    assert counts == (CALLS + 1, CALLS * TURNS + len(now["turns"]))
