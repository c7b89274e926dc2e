"""A node that leaves with calls up: each is speaking again on the other node, and only where there is none hears a
goodbye."""

import signal
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


async def cut_off(engine: EngineProcess, call_id: UUID, greeted: trio.Event, left: list[tuple[str, bool]]) -> None:
    """A caller who hears the greeting to its end and listens on: how the call ends, and whether more was said."""
    async with open_phone("127.0.0.1", engine.port, call_id) as phone:
        assert await phone.agent_silent(0.5)
        greeted.set()
        spoke = await phone.agent_speaking()
        await phone.over()
        assert phone.ending is not None
        left.append((type(phone.ending).__name__, spoke))


async def leave(engine: EngineProcess, calls: list[UUID], *, by_api: bool) -> list[tuple[str, bool]]:
    """The engine is told to drain while these calls are up and quiet; what became of each. It ends with status 0."""
    left: list[tuple[str, bool]] = []
    with trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            for call_id in calls:
                greeted = trio.Event()
                nursery.start_soon(cut_off, engine, call_id, greeted, left)
                await greeted.wait()
            if by_api:
                async with httpx.AsyncClient(base_url=f"http://{engine.api}", trust_env=False) as api:
                    assert (await api.post("/api/v1/drain")).json()["draining"]
                    assert (await api.get("/health/accepting")).status_code == 404
            else:
                engine.tell(signal.SIGTERM)
        assert await trio.to_thread.run_sync(engine.status) == 0
    return left


@pytest.mark.parametrize("by_api", [False, True], ids=["SIGTERM", "api"])
async def test_calls_go_to_the_node_that_lives_without_a_goodbye(
    by_api: bool, tmp_path: Path, database_url: str, redis_url: str
) -> None:
    state = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "CALL_LANGUAGE": "en-GB", "DRAIN_SECONDS": "1"}
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
    state = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "CALL_LANGUAGE": "en-GB", "DRAIN_SECONDS": "1"}
    calls = [uuid4() for _ in range(2)]
    with running_engine(tmp_path / "one", NODE_NAME="one", **state) as one:
        assert await leave(one, calls, by_api=False) == [("HungUp", True)] * 2
    with running_engine(tmp_path / "two", NODE_NAME="two", **state) as two:
        async with open_api(two) as api:
            for call_id in calls:
                assert (await closed_record(api, call_id))["outcome"] == "handed_over"
                # the shop decides, as after any apology: the caller was told, and is not to be called back at once
                assert (await api.get(f"/api/v1/calls/{call_id}/outcome")).text == "apologised"
