"""Prometheus and Alertmanager killed while somebody is on the line: no call notices, and an alert that was on its way
is told all the same, once."""

import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import trio
import yaml

from backends.stt.scripted import DEFAULT_SCRIPTS
from callengine.caller.phone import open_phone
from tests.deploy.balancer import has_calls
from tests.deploy.dialplan import until
from tests.deploy.files import ROOT
from tests.deploy.programs import MONITORING, command, command_with_data, or_skip
from tests.deploy.relay import Relay
from tests.deploy.telegram import Telegram, telegram
from tests.deploy.test_alert_road import (
    GUARD_SECONDS,
    TOKEN,
    Exchange,
    alertmanager_path,
    exchange,
    free_port,
    prometheus_files,
    running,
)
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_serve import GOODBYE, closed_record, converse, open_api

__all__ = ["exchange"]  # a fixture
pytestmark = [pytest.mark.integration, pytest.mark.slow]

ALERT = "AsteriskDown"
SAID = DEFAULT_SCRIPTS["ru"]
TOLD = r'^alertmanager_notifications_total\{.*integration="telegram".*\} (\S+)$'
RECEIVED = r'^alertmanager_alerts_received_total\{.*status="firing".*\} (\S+)$'
Program = Callable[[], AbstractContextManager["subprocess.Popen[bytes]"]]


class Scrapes:
    """Prometheus's way to the engine. The first answer stays under way: its beginning is there, no more comes."""

    def __init__(self, engine: EngineProcess) -> None:
        host, _, port = engine.api.rpartition(":")
        self._engine = (host, int(port))
        self.under_way = trio.Event()
        self.broken_off = trio.Event()

    async def carry(self, client: trio.SocketStream) -> None:
        """One connection of Prometheus's."""
        if self.under_way.is_set():
            await Relay().carry(self._engine, client)
            return
        async with client, await trio.open_tcp_stream(*self._engine) as engine:
            await engine.send_all(await client.receive_some())
            await client.send_all((await engine.receive_some())[:100])
            self.under_way.set()
            with suppress(trio.BrokenResourceError):
                await client.receive_some()
            self.broken_off.set()


class Killable:
    """A program that is killed, and started again as Docker does."""

    def __init__(self, stack: ExitStack, program: Program) -> None:
        self._stack = stack
        self._process = stack.enter_context(program())

    async def kill(self, then: Program) -> None:
        self._process.kill()
        await trio.to_thread.run_sync(self._process.wait)
        self._process = self._stack.enter_context(then())


def prometheus(folder: Path, engine_port: int, asterisk_port: int, alertmanager_port: int) -> Program:
    """As shipped, with these addresses and one rule, and all waits short: it is not timed here."""
    with or_skip("Prometheus"):
        start = command(MONITORING, "prometheus")
    file = prometheus_files(folder / "prometheus", asterisk_port, alertmanager_port)
    config = yaml.safe_load(file.read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    engine = {"job_name": "callengine", "static_configs": [{"targets": [f"127.0.0.1:{engine_port}"]}]}
    config["scrape_configs"].append(engine)
    file.write_text(yaml.safe_dump(config))
    for rules in (folder / "prometheus/rules").iterdir():
        groups = yaml.safe_load(rules.read_text())["groups"]
        kept = [rule | {"for": "1s"} for group in groups for rule in group["rules"] if rule["alert"] == ALERT]
        rules.write_text(yaml.safe_dump({"groups": [{"name": rules.stem, "rules": kept}]}))
    return partial(
        running, *start, f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}",
        "--rules.alert.resend-delay=1s", f"--web.listen-address=127.0.0.1:{free_port()}",
        log=folder / "prometheus.log",
    )  # fmt: skip


def alertmanager(folder: Path, port: int, chat: Telegram) -> tuple[Program, Program]:
    """One that holds every alert back for an hour, and the one that is shipped, on the same data."""
    with or_skip("Alertmanager"):
        path = alertmanager_path(folder / "bin", command_with_data(MONITORING, "prometheus-alertmanager"))
    (folder / "token").write_text(TOKEN)
    shipped, holding = ROOT / "docker/alertmanager", folder / "holding"
    shutil.copytree(shipped, holding)
    config = (holding / "alertmanager.yml").read_text()
    (holding / "alertmanager.yml").write_text(config.replace("group_wait: 5s", "group_wait: 1h"))
    one, other = (
        partial(
            running, "sh", str(source / "start.sh"), f"--web.listen-address=127.0.0.1:{port}",
            log=folder / "alertmanager.log", PATH=path, TMPDIR=str(folder), ALERTMANAGER_DATA=str(folder / "data"),
            TELEGRAM_API_URL=chat.url, TELEGRAM_TOKEN_FILE=str(folder / "token"), TELEGRAM_CHAT_ID="-1001234567890",
        )
        for source in (holding, shipped)
    )  # fmt: skip
    return one, other


async def asked(port: int, path: str) -> httpx.Response | None:
    """What Alertmanager answers; None while it is not up."""
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            return await client.get(f"http://127.0.0.1:{port}{path}")
        except httpx.TransportError:
            return None


async def knows_alert(port: int) -> bool:
    answer = await asked(port, "/api/v2/alerts")
    return answer is not None and [each["labels"]["alertname"] for each in answer.json()] == [ALERT]


async def told_again(port: int) -> bool:
    """Whether Prometheus has told this Alertmanager a few times, and that was one notification."""
    answer = await asked(port, "/metrics")
    if answer is None:
        return False
    told, received = (sum(map(float, re.findall(pattern, answer.text, re.MULTILINE))) for pattern in (TOLD, RECEIVED))
    assert told <= 1
    return told == 1 and received >= 3


def die(exchange: Exchange) -> None:
    """Asterisk is gone: nobody listens there."""
    exchange.shutdown()
    exchange.server_close()


async def call_on(engine: EngineProcess, over: trio.Event, calls: list[UUID]) -> None:
    """Call after call, each to its goodbye, until it is over: nobody falls silent because a program starts slowly."""
    while not over.is_set():
        calls.append(uuid4())
        async with open_phone("127.0.0.1", engine.port, calls[-1]) as phone:
            await converse(phone, *(GOODBYE for _ in SAID))


async def test_monitoring_is_in_no_call_s_way(
    tmp_path: Path, exchange: Exchange, database_url: str, redis_url: str
) -> None:
    port, over, calls = free_port(), trio.Event(), list[UUID]()
    settings = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    with telegram() as chat, ExitStack() as programs, running_engine(tmp_path / "engine", **settings) as engine:
        async with open_api(engine) as api, trio.open_nursery() as nursery:
            scrapes = Scrapes(engine)
            [listener] = await nursery.start(partial(trio.serve_tcp, scrapes.carry, 0, host="127.0.0.1"))
            watching = prometheus(tmp_path, listener.socket.getsockname()[1], exchange.server_port, port)
            holding, shipped = alertmanager(tmp_path, port, chat)
            async with trio.open_nursery() as callers:
                callers.start_soon(call_on, engine, over, calls)
                bell, watcher = Killable(programs, holding), Killable(programs, watching)
                await scrapes.under_way.wait()
                await has_calls(engine, 1)
                await watcher.kill(watching)
                await scrapes.broken_off.wait()
                await trio.to_thread.run_sync(die, exchange)
                await until(lambda: knows_alert(port))
                await has_calls(engine, 1)
                await bell.kill(shipped)
                message = await trio.to_thread.run_sync(partial(chat.messages.get, timeout=GUARD_SECONDS))
                await until(lambda: told_again(port))
                over.set()
            for call_id in calls:
                record = await closed_record(api, call_id)
                assert record["outcome"] == "completed"
                assert [turn["text"] for turn in record["turns"] if turn["role"] == "caller"] == list(SAID)
            nursery.cancel_scope.cancel("the test is over")
        assert ALERT in message["text"]
        assert chat.messages.empty(), "it is said once"
