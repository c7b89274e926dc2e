"""A node that leaves with calls up: each is speaking again on the other node, and only where there is none hears a
goodbye."""

import signal
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import trio

from callengine.caller.phone import open_phone
from tests.engine_process import EngineProcess, running_engine
from tests.integration.test_serve import PATIENCE_SECONDS, closed_record, open_api

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CALLS = 5


@dataclass
class Leaving:
    """Callers who have heard the greeting when their node is told to drain; `left`: how each call ended, and whether
    anything was said after that."""

    engine: EngineProcess
    greeted: int = 0
    told: trio.Event = field(default_factory=trio.Event)
    left: list[tuple[str, bool]] = field(default_factory=list)

    async def caller(self, call_id: UUID) -> None:
        """One of them."""
        async with open_phone("127.0.0.1", self.engine.port, call_id) as phone:
            assert await phone.agent_silent(1.0)
            self.greeted += 1
            await self.told.wait()
            spoke = await phone.agent_speaking()
            await phone.over()
            self.left.append((type(phone.ending).__name__, spoke))

    async def tell(self, calls: int, *, by_api: bool) -> None:
        """Drain the node once so many callers listen."""
        while self.greeted < calls:
            await trio.sleep(0.02)
        if by_api:
            async with httpx.AsyncClient(base_url=f"http://{self.engine.api}", trust_env=False, timeout=60) as api:
                assert (await api.post("/api/v1/drain")).json()["draining"]
        else:
            self.engine.tell(signal.SIGTERM)
        self.told.set()


async def leave(engine: EngineProcess, calls: list[UUID], *, by_api: bool) -> list[tuple[str, bool]]:
    """The engine is told to drain while these calls are up and quiet; what became of each. It ends with status 0."""
    leaving = Leaving(engine)
    with trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            for call_id in calls:
                nursery.start_soon(leaving.caller, call_id)
            await leaving.tell(len(calls), by_api=by_api)
        assert await trio.to_thread.run_sync(engine.status) == 0
    return leaving.left


@pytest.mark.parametrize("by_api", [False, True], ids=["SIGTERM", "api"])
async def test_calls_go_to_the_node_that_lives_without_a_goodbye(
    by_api: bool, tmp_path: Path, database_url: str, redis_url: str
) -> None:
    state = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "CALL_LANGUAGE": "en-GB", "DRAIN_SECONDS": "0"}
    calls = [uuid4() for _ in range(CALLS)]
    with (
        running_engine(tmp_path / "one", NODE_NAME="one", **state) as one,
        running_engine(tmp_path / "two", NODE_NAME="two", **state) as two,
    ):
        assert await leave(one, calls, by_api=by_api) == [("HungUp", False)] * CALLS
        async with open_api(two) as api:
            for call_id in calls:
                assert (await api.get(f"/api/v1/calls/{call_id}/outcome")).text == "retry"
                async with open_phone("127.0.0.1", two.port, call_id) as phone:
                    assert await phone.agent_speaking()
                while (record := await closed_record(api, call_id))["outcome"] == "handed_over":
                    await trio.sleep(0.05)
                assert record["node"] == "one"
    [line] = [line for line in one.log() if line["event"] == "handing_over"]
    assert (line["calls"], line["alone"]) == (CALLS, False)


async def test_where_no_other_node_lives_callers_are_told(tmp_path: Path, database_url: str, redis_url: str) -> None:
    state = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "CALL_LANGUAGE": "en-GB", "DRAIN_SECONDS": "0"}
    calls = [uuid4() for _ in range(2)]
    with running_engine(tmp_path / "one", NODE_NAME="one", **state) as one:
        assert await leave(one, calls, by_api=False) == [("HungUp", True)] * 2
    with running_engine(tmp_path / "two", NODE_NAME="two", **state) as two:
        async with open_api(two) as api:
            for call_id in calls:
                assert (await closed_record(api, call_id))["outcome"] == "handed_over"
                # the shop decides, as after any apology: the caller was told, and is not to be called back at once
                while (word := (await api.get(f"/api/v1/calls/{call_id}/outcome")).text) == "retry":  # Redis was late
                    await trio.sleep(0.1)
                assert word == "apologised"
