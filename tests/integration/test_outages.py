"""PostgreSQL or Redis killed, or hung, under an engine that is busy with calls, and away for a while: no call is
dropped, and what the engine said of its calls is in both at the end, once.

A few seconds by default; CALLENGINE_OUTAGE_SECONDS=60 is as long as the design wants."""

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import redis
import trio

from callengine.caller.phone import Phone, open_phone
from callengine.caller.wire import HungUp
from callengine.services.schema import migrate
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_api_events import Reader, following
from tests.integration.test_serve import GOODBYE, figures
from tests.outage import Outage, Server, hung, killed, state_servers

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SECONDS = float(os.environ.get("CALLENGINE_OUTAGE_SECONDS", "5"))
PATIENCE_SECONDS = SECONDS + 240  # a guard against hanging; nothing is timed by it
TALKERS, LISTENERS = 3, 3
QUESTIONS = 3  # the last one of the scripted recogniser is a goodbye, upon which the agent hangs up
NO_STORE = "http://127.0.0.1:9/api/v1"
SHOWN = {"turn": ("sequence", "role", "text"), "tool": ("sequence", "name"), "closed": ("outcome",)}

# By the name of an event: the call, and what of it stands in the record as well.
Told = dict[str, set[tuple[object, ...]]]
Record = Callable[[str, object], None]


@dataclass
class Crowd:
    """Callers who call again and again until they are told to stop. Some talk until the agent hangs up, some hear the
    greeting and are hung up from outside."""

    engine: EngineProcess
    api: httpx.AsyncClient
    stop: bool = False
    up: set[UUID] = field(default_factory=set)
    calls: list[UUID] = field(default_factory=list)
    over: list[UUID] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    async def run(self, *, talks: bool) -> None:
        """One caller."""
        while not self.stop:
            async with self._calling() as phone:
                for _ in range(QUESTIONS if talks else 0):
                    await phone.agent_silent(0.6)
                    await phone.say(GOODBYE)
                if not talks and await phone.agent_silent(0.6):
                    await self._hang_up(phone.call_id)
                await phone.over()

    @asynccontextmanager
    async def _calling(self) -> AsyncIterator[Phone]:
        call_id = uuid4()
        async with open_phone("127.0.0.1", self.engine.port, call_id) as phone:
            self.calls.append(call_id)
            self.up.add(call_id)
            yield phone
        self.up.remove(call_id)
        self.over.append(call_id)
        if phone.ending != HungUp(by_close=False):
            self.dropped.append(f"{call_id}: {phone.ending}")

    async def _hang_up(self, call_id: UUID) -> None:
        """As a person does it by the API."""
        await self.api.post(f"/api/v1/calls/{call_id}/hangup")

    async def end(self) -> None:
        """Nobody calls again, and who is on the line is hung up."""
        self.stop = True
        for call_id in tuple(self.up):
            await self._hang_up(call_id)


@dataclass(frozen=True, slots=True)
class InRedis:
    """Calls that are up, the outcomes of those that are over, and what another node would go on with."""

    up: dict[str, str]
    outcomes: dict[str, str]
    checkpoints: list[str]


@pytest.mark.parametrize("outage", [killed, hung])
@pytest.mark.parametrize("name", ["database", "redis"])
async def test_calls_go_on_without_it_and_nothing_is_missing_after(
    name: str, outage: Outage, short_path: Path, record_property: Record
) -> None:
    with state_servers(short_path) as servers:
        urls = {each: await server.start() for each, server in servers.items()}
        await migrate(urls["database"])
        state = {"DATABASE_URL": urls["database"], "REDIS_URL": urls["redis"], "STORE_API_URL": NO_STORE}
        with running_engine(short_path / "engine", NODE_NAME="one", CALL_LANGUAGE="en-GB", **state) as engine:
            afresh = httpx.Limits(max_keepalive_connections=0)  # an idle connection may be closed as it is used
            async with httpx.AsyncClient(
                base_url=f"http://{engine.api}", limits=afresh, trust_env=False, timeout=60
            ) as api:
                crowd = Crowd(engine, api)
                with trio.fail_after(PATIENCE_SECONDS):
                    since = await through(crowd, servers[name], name, outage)
                    told = await told_by(engine, len(crowd.calls))
            kept, found = in_redis(urls["redis"]), recorded(urls["database"])
            losses = [line["event"] for line in engine.log() if line["level"] in ("error", "critical")]
    figure = f"{len(crowd.calls)} calls, {len(crowd.dropped)} dropped, {len(told['turn'])} turns"
    record_property("figure", f"{name} {outage.__name__} for {SECONDS:g} s: {figure}")
    assert crowd.dropped == []
    assert losses == []
    assert told["closed"] == {(str(call_id), "completed") for call_id in crowd.calls}
    assert {role for _, _, role, _ in told["turn"]} == {"agent", "caller"}
    assert found == told
    assert (kept.up, kept.checkpoints) == ({}, [])
    # what ended before it was killed, Redis may have forgotten; the dialplan has asked by then
    assert {call_id: kept.outcomes.get(call_id) for call_id in since} == dict.fromkeys(since, "hangup")


async def through(crowd: Crowd, server: Server, name: str, outage: Outage) -> list[str]:
    """An outage while the crowd calls, till nothing waits for the server any more. The calls that were up when the
    engine had noticed, and those that came after."""
    async with trio.open_nursery() as nursery:
        for number in range(TALKERS + LISTENERS):
            nursery.start_soon(lambda talks: crowd.run(talks=talks), number < TALKERS)
        await until(lambda: len(crowd.over) >= LISTENERS)
        began = trio.current_time()
        async with outage(server):
            while await health(crowd.api, name) == "ok":
                await trio.sleep(0.05)
            up, come, gone = set(crowd.up), len(crowd.calls), len(crowd.over)
            await trio.sleep_until(began + SECONDS)
            await until(lambda: len(crowd.calls) > come + 1 and len(crowd.over) > gone + 1)
        await settled(crowd.api)
        await crowd.end()
    await settled(crowd.api)
    return [str(call_id) for call_id in (*up, *crowd.calls[come:])]


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await trio.sleep(0.05)


async def health(api: httpx.AsyncClient, part: str) -> str:
    """A part's state."""
    return str((await api.get("/health")).json()["parts"][part]["state"])


async def settled(api: httpx.AsyncClient) -> None:
    """Both are there as the engine sees it, and nothing waits for them."""
    while (await api.get("/health")).json()["status"] != "ok" or (await figures(api))["callengine_journal_backlog"]:
        await trio.sleep(0.1)


async def told_by(engine: EngineProcess, calls: int) -> Told:
    """All that the engine said of so many calls, as it has it in memory."""
    told: Told = {name: set() for name in SHOWN}
    while len(told["closed"]) < calls:
        with suppress(trio.EndOfChannel):  # as readers of events do, it comes again where its connection ends
            async with following(f"http://{engine.api}", "0-0") as reader:
                await read_into(told, reader, calls)
    return told


async def read_into(told: Told, reader: Reader, calls: int) -> None:
    """The oldest events first, up to the end of so many calls."""
    name = first = ""
    while len(told["closed"]) < calls:
        key, _, value = (await reader.line()).partition(": ")
        if key == "id":
            first = first or value
            assert first.endswith("-0"), "the oldest events are gone: so long an outage wants fewer calls"
        elif key == "event":
            name = value
        elif key == "data" and name in told:
            data = json.loads(value)
            told[name].add((data["call_id"], *(data[shown] for shown in SHOWN[name])))


def recorded(url: str) -> Told:
    """The same of all calls that are in the record."""
    with psycopg.connect(url) as connection:
        return {
            "turn": set(connection.execute("SELECT call_id, sequence, role, text FROM turns").fetchall()),
            "tool": set(connection.execute("SELECT call_id, sequence, name FROM tool_calls").fetchall()),
            "closed": set(connection.execute("SELECT call_id, outcome FROM calls").fetchall()),
        }


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
