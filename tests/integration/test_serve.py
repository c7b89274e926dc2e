"""`callengine serve` as a process of its own: calls from the wire to the record, and nothing left over of many."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psutil
import psycopg
import pytest
import trio
from psycopg.rows import dict_row

from callengine.api.records import UsedView
from callengine.caller.phone import Phone, open_phone
from callengine.caller.wire import HungUp
from callengine.ports.usage import SERVICES
from callengine.services.journal_use import bill_of
from tests.agent_files import brief_agent
from tests.engine_process import EngineProcess, running_engine
from tests.recognizers import NOBODY_THERE
from tests.speech import DEMO, FIXTURES, load

pytestmark = pytest.mark.integration

PATIENCE_SECONDS = 240  # a test that waits longer hangs; nothing is timed by it
REST_SECONDS = 60  # likewise: an engine that has not come to rest by then does not
LOOKS = 10
NUMBER = "+79031234567"
WORDS = {clip.name: clip for clip in load(FIXTURES / "ru")}
GOODBYE = WORDS["goodbye"].slin


@asynccontextmanager
async def open_api(engine: EngineProcess) -> AsyncIterator[httpx.AsyncClient]:
    """The engine's HTTP side, and a limit to a test's patience."""
    with trio.fail_after(PATIENCE_SECONDS):
        async with httpx.AsyncClient(base_url=f"http://{engine.api}", trust_env=False, timeout=60) as api:
            yield api


async def until_well(api: httpx.AsyncClient) -> None:
    """Wait until every part has answered: within two seconds, which a busy machine may miss, and is asked again."""
    while (await api.get("/health")).json()["status"] != "ok":
        await trio.sleep(0.1)


async def closed_record(api: httpx.AsyncClient, call_id: UUID) -> dict[str, Any]:
    """The call's record, once it has its end; it is written behind the call."""
    while True:
        response = await api.get(f"/api/v1/calls/{call_id}")
        if response.status_code == 200 and response.json()["closed_at"] is not None:
            record: dict[str, Any] = response.json()
            return record
        await trio.sleep(0.05)


def in_database(url: str, call_id: UUID) -> dict[str, Any]:
    """What stands in PostgreSQL of a call, in the API's shape."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        call = connection.execute("SELECT * FROM calls WHERE call_id = %s", (str(call_id),)).fetchone()
        assert call is not None
        for part, table in (("turns", "turns"), ("tools", "tool_calls"), ("callbacks", "callbacks")):
            rows = connection.execute(
                f"SELECT * FROM {table} WHERE call_id = %s ORDER BY sequence",
                (str(call_id),),
            ).fetchall()
            call[part] = [{name: value for name, value in row.items() if name != "call_id"} for row in rows]
    for used in (call, *call["turns"]):
        used["used"] = [UsedView.model_validate(line).model_dump() for line in bill_of(used["used"])]
    costs = {service: float(call.pop(f"{service}_usd") or 0) for service in SERVICES}
    call["cost_usd"] = costs | {"total": sum(costs.values())}
    for moment in ("opened_at", "closed_at"):
        call[moment] = call[moment].timestamp()
    assert call.pop("forgotten_at") is None  # nothing that the API tells
    return call


def with_timestamps(record: dict[str, Any]) -> dict[str, Any]:
    """A record of the API with its moments as numbers, and without recordings: there is none."""
    assert record["recordings"] == []
    moments = {name: datetime.fromisoformat(record[name]).timestamp() for name in ("opened_at", "closed_at")}
    return {name: value for name, value in (record | moments).items() if name != "recordings"}


async def converse(phone: Phone, *utterances: bytes) -> None:
    """Say each when the agent has stopped; then wait for its hang-up."""
    for slin in utterances:
        assert await phone.agent_silent(0.6)
        assert await phone.say(slin)
    await phone.over()


async def test_a_call_from_the_wire_to_the_record(tmp_path: Path) -> None:
    call_id = uuid4()
    # who is registered is waited for: a busy machine may be slow
    settings = {"REQUIRE_REGISTRATION": "on", "AGENT_FILE": brief_agent(tmp_path)}
    with running_engine(tmp_path / "data", **settings) as engine:
        async with open_api(engine) as api:
            await until_well(api)
            form = {"caller": NUMBER, "name": "Пётр", "called": "100", "queue": "tyres"}
            assert (await api.post(f"/api/v1/calls/{call_id}", data=form)).status_code == 201
            async with open_phone("127.0.0.1", engine.port, call_id) as phone:
                assert await phone.agent_silent(0.6)
                assert await phone.say(GOODBYE)
                assert await phone.agent_silent(1.0)
            record = await closed_record(api, call_id)
            outcome = (await api.get(f"/api/v1/calls/{call_id}/outcome")).text
        stored = in_database(engine.database_url, call_id)
    assert phone.ending is None, "the caller hung up"
    assert phone.stats.greeting_seconds is not None
    # the line went without our doing: a caller who hung up has nobody ask, and one whom Asterisk let go is taken again
    assert (record["outcome"], outcome) == ("completed", "retry")
    assert (record["number"], record["name"], record["fields"]) == (NUMBER, "Пётр", {"queue": "tyres"})
    heard = [turn["text"] for turn in record["turns"] if turn["role"] == "caller"]
    assert heard == ["Здравствуйте, есть зимние шины 205 55 16?"]
    assert record["turns"][0]["role"] == record["turns"][-1]["role"] == "agent"
    assert record["tools"], "the Store was asked"
    assert with_timestamps(record) == stored
    kept_quiet(engine, call_id, record)


def kept_quiet(engine: EngineProcess, call_id: UUID, record: dict[str, Any]) -> None:
    """The log has the call, each line with its id, and neither its caller nor a word of it."""
    text = engine.log_file.read_text(encoding="utf-8")
    ours = [line["event"] for line in engine.log() if line.get("call_id") == str(call_id)]
    assert (ours.count("call_opened"), ours.count("call_closed")) == (1, 1)
    assert NUMBER.removeprefix("+") not in text
    assert "Пётр" not in text
    for turn in record["turns"]:
        assert turn["text"] not in text
        assert json.dumps(turn["text"]).strip('"') not in text, "nor escaped"


@pytest.mark.slow
async def test_recorded_speech_is_recognised_and_answered(tmp_path: Path) -> None:
    call_id = uuid4()
    said = {clip.name: clip.slin for clip in load(DEMO / "ru")}
    whole = {"STT_BACKEND": "whisper", "TTS_BACKEND": "espeak", "AGENT_FILE": brief_agent(tmp_path)}
    with running_engine(tmp_path / "data", **whole) as engine:
        async with open_api(engine) as api:
            async with open_phone("127.0.0.1", engine.port, call_id) as phone:
                await converse(phone, said["01-winter-tyres"], said["07-goodbye"])
            record = await closed_record(api, call_id)
        stored = in_database(engine.database_url, call_id)
    assert phone.stats.greeting_seconds is not None
    assert record["outcome"] == "completed"
    heard = " ".join(turn["text"] for turn in record["turns"] if turn["role"] == "caller").lower()
    assert "зимн" in heard
    assert "свидания" in heard
    assert record["turns"][-1]["text"] == "Спасибо за звонок. До свидания!"
    assert with_timestamps(record) == stored


async def test_one_of_two_recognisers_away_is_a_warning_and_the_other_hears_the_call(tmp_path: Path) -> None:
    call_id = uuid4()
    two = {"STT_BACKEND": "whisper", "WHISPER_URL": f"grpc://{NOBODY_THERE}", "STT_FALLBACK": "scripted"}
    with running_engine(tmp_path / "data", AGENT_FILE=brief_agent(tmp_path), **two) as engine:
        async with open_api(engine) as api:
            async with open_phone("127.0.0.1", engine.port, call_id) as phone:
                assert await phone.agent_silent(0.6)
                assert await phone.say(GOODBYE)
                assert await phone.agent_silent(1.0)
            record = await closed_record(api, call_id)
        [warning] = [line for line in engine.log() if line["event"].startswith("recognizer_")]
    assert (warning["level"], warning["event"], warning["setting"]) == ("warning", "recognizer_away", "STT_BACKEND")
    assert f"whisper-server at {NOBODY_THERE}: UNAVAILABLE" in warning["problem"]
    assert warning["serving_with"] == "STT_FALLBACK=scripted"
    assert [turn["role"] for turn in record["turns"]].count("caller") == 1


async def abandoned(engine: EngineProcess) -> None:
    """The caller hangs up in the greeting."""
    async with open_phone("127.0.0.1", engine.port) as phone:
        assert await phone.agent_speaking()


async def short(engine: EngineProcess) -> None:
    """The caller hears the greeting, says something and leaves."""
    async with open_phone("127.0.0.1", engine.port) as phone:
        assert await phone.agent_silent(0.4)
        assert await phone.say(GOODBYE)


async def nonsense(engine: EngineProcess) -> None:
    """Somebody takes the port for a web server, and reads until it is closed."""
    stream = await trio.open_tcp_stream("127.0.0.1", engine.port)
    async with stream:
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
        while await stream.receive_some(65536):
            pass


async def turned_away(engine: EngineProcess) -> None:
    """A third call where two may be up."""
    async with (
        open_phone("127.0.0.1", engine.port) as one,
        open_phone("127.0.0.1", engine.port) as two,
    ):
        assert await one.agent_speaking()
        assert await two.agent_speaking()
        async with open_phone("127.0.0.1", engine.port) as three:
            await three.over()
        assert three.ending == HungUp(by_close=False)


async def figures(api: httpx.AsyncClient) -> dict[str, float]:
    """The samples of /metrics by name and labels."""
    lines = (await api.get("/metrics")).text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


async def all_over(api: httpx.AsyncClient) -> None:
    """Wait until every place is free: a call's line is drained after its end."""
    while (await api.get("/health/accepting")).json().get("calls", "full") != 0:
        await trio.sleep(0.02)


async def at_rest(
    engine: EngineProcess, api: httpx.AsyncClient, wanted: tuple[float, int] | None = None
) -> tuple[float, int]:
    """Tasks and file descriptors once no call is up, the record is written and both have stayed the same for a while;
    `wanted`: they are given time to become so."""
    seen: list[tuple[float, int]] = []
    with trio.move_on_after(REST_SECONDS):
        while len(seen) < LOOKS or (wanted is not None and seen[-1] != wanted):
            now = await figures(api)
            found = now["callengine_tasks"], psutil.Process(engine.process.pid).num_fds()
            idle = now["callengine_calls_active"] == now["callengine_journal_backlog"] == 0
            seen = [*(seen if seen[-1:] == [found] else []), *([found] if idle else [])]
            await trio.sleep(0.05)
    assert seen, "it does not come to rest"
    return seen[-1]
