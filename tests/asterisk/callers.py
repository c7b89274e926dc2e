"""Callers without a telephone: Local channels started through ARI, and what there is to see of their calls."""

import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import numpy as np
import trio

from tests.asterisk.instance import CONFIG_PASSWORD, CONFIG_USER, Pbx
from tests.engine_process import EngineProcess

PATIENCE_SECONDS = 120.0  # a test that waits longer hangs; nothing is timed by it
LOOK_AGAIN_SECONDS = 0.02
LOUD = 1000  # of 32767: far over the noise of A-law


@dataclass(frozen=True, slots=True)
class LocalCall:
    """A call on its way. `began` is where Asterisk's log ended before it."""

    pbx: Pbx
    uuid: UUID
    began: int

    async def logged(self, text: str, times: int = 1) -> str:
        """Wait until the log has `text` so often since the call began; the log since then."""
        with trio.fail_after(PATIENCE_SECONDS):
            while (log := self.pbx.log_since(self.began)).count(text) < times:
                await trio.sleep(LOOK_AGAIN_SECONDS)
        return log

    async def says(self, step: str, times: int = 1) -> str:
        """Wait until the dialplan has told this of the call (docker/asterisk/dialplan.conf, `Verbose`)."""
        return await self.logged(f"callengine {self.uuid}: {step}\n", times)

    def log(self) -> str:
        """All that Asterisk has told since the call began, to this moment."""
        self.pbx.flush_log()
        return self.pbx.log_since(self.began)

    def told(self) -> list[str]:
        """Every step that the dialplan has told of this call to this moment, in order."""
        return self.told_in(self.log())

    def told_in(self, log: str) -> list[str]:
        """The same of a log."""
        mark = f"callengine {self.uuid}: "
        return [line.partition(mark)[2] for line in log.splitlines() if _is_told(line, mark)]

    def at(self, text: str) -> datetime:
        """When the first line with this text was logged since the call began; for figures, never for an assertion."""
        lines = self.log().splitlines()
        line = next(line for line in lines if text in line and line.startswith("["))
        return datetime.fromisoformat(line[1:24])

    async def over(self) -> None:
        """Wait until no channel of this test's is left, and what it recorded is in its file."""
        with trio.fail_after(PATIENCE_SECONDS):
            while not self.pbx.rx("core show channels count").startswith("0 active channels"):
                await trio.sleep(LOOK_AGAIN_SECONDS)
        await self.logged("End MixMonitor Recording", self.log().count("Begin MixMonitor Recording"))


def _is_told(line: str, mark: str) -> bool:
    """A line that `Verbose` or `Log` wrote, not the one that says that it is about to run."""
    return mark in line and "Executing" not in line


@asynccontextmanager
async def open_ari(pbx: Pbx) -> AsyncIterator[httpx.AsyncClient]:
    """ARI, with the fragments' user."""
    auth = httpx.BasicAuth(CONFIG_USER, CONFIG_PASSWORD)
    url = f"{pbx.http}/ari"
    async with httpx.AsyncClient(base_url=url, auth=auth, trust_env=False, timeout=PATIENCE_SECONDS) as ari:
        yield ari


async def call(
    pbx: Pbx, extension: str = "100", uuid: UUID | None = None, context: str = "inbound", **variables: str
) -> LocalCall:
    """Start a caller who dials `extension`. Variables are those of the layer's [callers], [inbound] and dialplan."""
    uuid, began = uuid or uuid4(), pbx.log_size()
    async with open_ari(pbx) as ari:
        await originate(ari, f"Local/{extension}@{context}/n", {"CALL_UUID": str(uuid), **variables})
    return LocalCall(pbx, uuid, began)


async def originate(ari: httpx.AsyncClient, endpoint: str, variables: dict[str, str]) -> None:
    """Let `endpoint` be called, and do what [callers] says once it answers."""
    body = {
        "endpoint": endpoint,
        "context": "callers",
        "extension": "caller",
        "priority": 1,
        "formats": "alaw",  # without it Local takes slin192, and every pass halves the level
        "variables": variables,
    }
    (await ari.post("/channels", json=body)).raise_for_status()


@asynccontextmanager
async def open_api(engine: EngineProcess) -> AsyncIterator[httpx.AsyncClient]:
    """An engine's HTTP side."""
    url = f"http://{engine.api}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE_SECONDS) as api:
        yield api


async def record(engine: EngineProcess, uuid: UUID, closed: bool = False) -> dict[str, Any]:
    """The call's record, once there is one (`closed`: once it has its end); it is written behind the call."""
    async with open_api(engine) as api:
        return await record_by(api, uuid, closed)


async def record_by(api: httpx.AsyncClient, uuid: UUID, closed: bool = False) -> dict[str, Any]:
    """The same for who asks for many."""
    with trio.fail_after(PATIENCE_SECONDS):
        while True:
            response = await api.get(f"/api/v1/calls/{uuid}")
            if response.status_code == 200 and (not closed or response.json()["closed_at"] is not None):
                found: dict[str, Any] = response.json()
                return found
            await trio.sleep(LOOK_AGAIN_SECONDS)


async def hang_up(engine: EngineProcess, uuid: UUID) -> None:
    """End the call from the engine's side, as an operator does."""
    async with open_api(engine) as api:
        (await api.post(f"/api/v1/calls/{uuid}/hangup")).raise_for_status()


def loud_seconds(heard: Path) -> float:
    """How much of a recording (HEARD's `.wav`) is sound, in windows of 20 ms."""
    with wave.open(str(heard)) as file:
        rate, slin = file.getframerate(), file.readframes(file.getnframes())
    window = rate // 50
    samples = np.abs(np.frombuffer(slin, dtype="<i2").astype(np.int32))
    windows = samples[: len(samples) // window * window].reshape(-1, window)
    return float((windows.max(axis=1) > LOUD).sum()) / 50
