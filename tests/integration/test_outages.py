"""PostgreSQL and Redis killed under an engine that is busy with calls, and away for a while: no call is dropped, no
turn lost, and at the end everything is where it belongs.

Run by hand, with CALLENGINE_OUTAGE_SECONDS=60 for as long as the design wants, and --basetemp in a short folder: from
a long one PostgreSQL has a new address when it is back, and the engine never finds it."""

import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import redis
import trio

from callengine.caller.phone import open_phone
from callengine.caller.wire import HungUp
from callengine.services.embedded_postgres import open_postgres
from callengine.services.embedded_valkey import open_valkey
from callengine.services.schema import migrate
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_serve import GOODBYE, figures
from tests.power_cut import kill_postgres
from tests.state_servers import OpenServer, running

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.may_skip,
    pytest.mark.skipif("CALLENGINE_OUTAGE_SECONDS" not in os.environ, reason="run by hand: see above"),
]

SECONDS = float(os.environ.get("CALLENGINE_OUTAGE_SECONDS", "60"))
BEFORE_SECONDS = 5.0  # for calls to be at every stage when it begins
CALLERS = 6
QUESTIONS = 3  # the last one of the scripted recogniser is a goodbye, upon which the agent hangs up


@dataclass
class Crowd:
    """Callers who call again and again until they are told to stop; each call is one of three questions."""

    engine: EngineProcess
    stop: bool = False
    calls: list[UUID] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """One caller."""
        while not self.stop:
            call_id = uuid4()
            async with open_phone("127.0.0.1", self.engine.port, call_id) as phone:
                self.calls.append(call_id)
                for _ in range(QUESTIONS):
                    await phone.agent_silent(0.6)
                    await phone.say(GOODBYE)
                await phone.over()
                if phone.ending != HungUp(by_close=False):
                    self.dropped.append(f"{call_id}: {phone.ending}")


@dataclass(frozen=True, slots=True)
class InRedis:
    """Calls that are up, the outcomes of those that are over, and what another node would go on with."""

    up: dict[str, str]
    outcomes: dict[str, str]
    checkpoints: list[str]


def kill_valkey(data_dir: Path) -> None:
    """As a power cut."""
    os.kill(int((data_dir / "valkey" / "pid").read_text()), signal.SIGKILL)


async def outage(server: ExitStack, again: Callable[[], object], kill: Callable[[], None]) -> None:
    """A server of `server` is killed, is away for SECONDS, and is started again."""
    await trio.sleep(BEFORE_SECONDS)
    kill()
    await trio.to_thread.run_sync(server.close)
    await trio.sleep(SECONDS)
    await trio.to_thread.run_sync(again)


def recorded(url: str) -> dict[str, tuple[str, int]]:
    """Each call of the record with its outcome and its caller's turns."""
    query = (
        "SELECT call_id, outcome, (SELECT count(*) FROM turns WHERE turns.call_id = calls.call_id AND role = 'caller')"
        " FROM calls"
    )
    with psycopg.connect(url) as connection:
        return {call_id: (outcome, turns) for call_id, outcome, turns in connection.execute(query).fetchall()}


SERVERS: dict[str, tuple[OpenServer, Callable[[Path], None]]] = {
    "postgresql": (open_postgres, kill_postgres),
    "redis": (open_valkey, kill_valkey),
}


@pytest.mark.parametrize("which", ["postgresql", "redis"])
async def test_calls_go_on_without_it_and_nothing_is_missing_after(which: str, tmp_path: Path) -> None:
    folder = tmp_path / which
    with ExitStack() as stack:
        urls, servers = {}, {}
        for name, (open_server, _) in SERVERS.items():
            (tmp_path / name).mkdir()
            servers[name] = stack.enter_context(ExitStack())
            urls[name] = servers[name].enter_context(running(open_server, tmp_path / name))
        await migrate(urls["postgresql"])
        settings = {"DATABASE_URL": urls["postgresql"], "REDIS_URL": urls["redis"], "CALL_LANGUAGE": "en-GB"}
        with running_engine(tmp_path / "engine", NODE_NAME="one", **settings) as engine:
            crowd = Crowd(engine)
            open_server, kill = SERVERS[which]

            def again() -> None:
                servers[which].enter_context(running(open_server, folder))

            with trio.fail_after(SECONDS + 300):
                async with trio.open_nursery() as nursery:
                    for _ in range(CALLERS):
                        nursery.start_soon(crowd.run)
                    await outage(servers[which], again, lambda: kill(folder))
                    up_again = trio.current_time()
                    await settled(engine)
                    settled_seconds = trio.current_time() - up_again
                    crowd.stop = True
                await settled(engine)
            kept = in_redis(urls["redis"])
            found = recorded(urls["postgresql"])
            losses = [line["event"] for line in engine.log() if line["level"] in ("error", "critical")]
        what = f"{which} away {SECONDS:g} s: {len(crowd.calls)} calls, {len(crowd.dropped)} dropped"
        turns = sum(turns for _, turns in found.values())
        said = QUESTIONS * len(crowd.calls)
        told = f"{what}; {turns} of {said} caller's turns; settled {settled_seconds:.1f} s after it was back"
        print(told)  # noqa: T201 - what was measured
    assert crowd.dropped == []
    assert found == {str(call_id): ("completed", QUESTIONS) for call_id in crowd.calls}
    assert kept == InRedis(up={}, outcomes={str(call_id): "hangup" for call_id in crowd.calls}, checkpoints=[])
    assert losses == []


async def settled(engine: EngineProcess) -> None:
    """Both are there as the engine sees it, and nothing waits for them."""
    async with httpx.AsyncClient(base_url=f"http://{engine.api}", trust_env=False) as api:
        while True:
            health = (await api.get("/health")).json()
            if health["status"] == "ok" and not (await figures(api))["callengine_journal_backlog"]:
                return
            await trio.sleep(0.1)


def in_redis(url: str) -> InRedis:
    """What is there when no call is up any more."""
    with redis.from_url(url, decode_responses=True) as client:
        return InRedis(
            up=client.hgetall("callengine:{node:one}:calls"),
            outcomes={
                key.split(":", 2)[2].split("}")[0]: client.get(key) for key in client.scan_iter("callengine:*:outcome")
            },
            checkpoints=list(client.scan_iter("callengine:*:checkpoint")),
        )
