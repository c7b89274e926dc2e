"""Two engines of one shop as processes: what is asked of one of a call that the other has, and one name for two."""

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import trio

from callengine.caller.phone import Phone, open_phone
from tests.engine_process import EngineProcess, failed_start, running_engine
from tests.integration.test_serve import closed_record, open_api, until_well

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ENGLISH = {"CALL_LANGUAGE": "en-GB"}


@pytest.fixture
def state(database_url: str, redis_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, **ENGLISH}


@contextmanager
def nodes(folder: Path, state: dict[str, str], *names: str) -> Iterator[list[EngineProcess]]:
    """Engines of these names."""
    with ExitStack() as stack:
        yield [stack.enter_context(running_engine(folder / name, NODE_NAME=name, **state)) for name in names]


@asynccontextmanager
async def open_call(engine: EngineProcess, call_id: UUID) -> AsyncIterator[Phone]:
    """A call whose agent has begun to speak."""
    async with open_phone("127.0.0.1", engine.port, call_id) as phone:
        assert await phone.agent_speaking()
        yield phone


async def test_a_call_is_hung_up_and_transferred_by_whichever_node_is_asked(
    tmp_path: Path, state: dict[str, str]
) -> None:
    with nodes(tmp_path, state, "a", "b") as (a, b):
        async with open_api(a) as api:
            for order, body, word, outcome in (
                ("hangup", None, "hangup", "completed"),
                ("transfer", {"target": "operator"}, "transfer:operator", "transferred"),
            ):
                call_id = uuid4()
                path = f"/api/v1/calls/{call_id}"
                async with open_call(b, call_id) as phone:
                    answer = await api.post(f"{path}/{order}", json=body)
                    assert answer.status_code in (202, 204), answer.text
                    await phone.over()
                assert (await closed_record(api, call_id))["outcome"] == outcome
                assert (await api.get(f"{path}/outcome")).text in (word, "retry")
            await refusals(api, b)
    [first, second, *_] = [line for line in b.log() if line["event"] == "order_of_another_node"]
    assert first["what"] == "hangup"
    assert first["answer"] in ("closed", "told"), "a busy machine's caller may be slow to close"
    assert (second["what"], second["answer"]) == ("transfer", "ordered")


async def refusals(api: httpx.AsyncClient, b: EngineProcess) -> None:
    """What the other node says no to is said no to here, with the same words."""
    call_id = uuid4()
    async with open_call(b, call_id):
        answer = await api.post(f"/api/v1/calls/{call_id}/transfer", json={"target": "nobody"})
        assert answer.status_code == 422
    nobody = await api.post(f"/api/v1/calls/{uuid4()}/hangup")
    assert (nobody.status_code, nobody.json()["detail"]) == (404, "no such call is up on any node")


async def test_a_node_that_does_not_answer_is_a_service_that_is_away(tmp_path: Path, state: dict[str, str]) -> None:
    call_id = uuid4()
    with nodes(tmp_path, state, "a") as (a,), running_engine(tmp_path / "b", NODE_NAME="b", **state) as b:
        async with open_api(a) as api, open_call(b, call_id):
            b.tell(signal.SIGKILL)
            # gone for good, or Redis may yet hand the order to its connection
            assert await trio.to_thread.run_sync(b.status) == -signal.SIGKILL
            answer = await api.post(f"/api/v1/calls/{call_id}/hangup", timeout=60)  # Redis has the call there for 30 s
            assert answer.status_code == 503
    [line] = [line for line in a.log() if line["event"] == "request needs a service that is away"]
    assert line["problem"] == "node b: does not take up orders; this one was withdrawn"


async def test_the_second_node_of_a_name_is_refused_and_the_first_goes_on(
    tmp_path: Path, state: dict[str, str]
) -> None:
    with nodes(tmp_path, state, "a") as (a,):
        async with open_api(a) as api, open_call(a, uuid4()) as phone:
            second = tmp_path / "second"
            status, _, said = await trio.to_thread.run_sync(lambda: failed_start(second, NODE_NAME="a", **state))
            assert status == 2
            assert said.startswith("callengine: NODE_NAME: another engine called 'a' is up (")
            assert len(said.splitlines()) == 1
            assert phone.ending is None
            await until_well(api)
        a.tell(signal.SIGKILL)
        assert await trio.to_thread.run_sync(a.status) == -signal.SIGKILL
        with running_engine(tmp_path / "third", NODE_NAME="a", **state):
            """A name whose engine was killed is free."""
