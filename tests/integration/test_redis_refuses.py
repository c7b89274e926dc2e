"""A Redis that answers READONLY (a replica) or MOVED (one node of a Cluster): one line with its mend, calls go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import redis
import trio
from structlog.testing import capture_logs

from callengine.caller.phone import open_phone
from callengine.errors import AwayError
from callengine.ports.registry import LiveCall
from callengine.services.bridge import open_bridge
from callengine.services.embedded_valkey import open_valkey
from callengine.services.registry import open_registry
from tests.agent_files import brief_agent
from tests.engine_process import running_engine
from tests.integration.test_serve import closed_record, open_api
from tests.integration.test_serve_database_away import ask_once
from tests.state_servers import running

pytestmark = pytest.mark.integration

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
REPLICA = "READONLY: REDIS_URL is that of a replica, name the primary"
NODE = "MOVED: REDIS_URL is that of a Cluster's node: write ?cluster=true behind it"


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "own"
    folder.mkdir()
    with running(open_valkey, folder) as url:
        yield url


@contextmanager
def as_replica(url: str) -> Iterator[None]:
    """A failover has made it one, of a primary that is away."""
    with redis.from_url(url) as client:
        client.replicaof("127.0.0.1", "1")
        yield
        client.replicaof("NO", "ONE")


async def test_a_primary_that_became_a_replica_is_said_once_and_told_all_when_it_is_one_again(own_valkey: str) -> None:
    with capture_logs() as said:
        async with open_bridge() as bridge, open_registry(own_valkey, "a", bridge) as registry:
            await registry.publish()
            with as_replica(own_valkey):
                for number in range(3):
                    registry.call_up_nowait(LiveCall(str(number), "a", NOON))
                    with pytest.raises(AwayError, match=f"^registry: {REPLICA}$"):
                        await registry.publish()
                with pytest.raises(AwayError, match="READONLY"):
                    await registry.check()
                assert (await registry.claim("0")).epoch == 0, "from memory"
            await registry.publish()
            assert len(await registry.live_calls()) == 3
            await registry.check()
    [line] = [line for line in said if line["log_level"] == "warning" and "goes on from memory" in line["event"]]
    assert line["problem"] == f"registry: {REPLICA}"


async def test_one_node_of_a_cluster_is_said_once_with_the_mend(redis_cluster_url: str) -> None:
    url = redis_cluster_url.replace("?cluster=true", "").replace(",", "/0#")
    with capture_logs() as said:
        async with open_bridge() as bridge, open_registry(url, "a", bridge) as registry:
            for number in range(8):  # one of three keys is that node's own
                registry.checkpoint_nowait(await registry.claim(str(number)), "so far")
            with pytest.raises(AwayError) as caught:
                await registry.publish()
            assert str(caught.value) == f"registry: {NODE}"
            with pytest.raises(AwayError, match="MOVED"):
                await registry.check()
    assert len([line for line in said if "goes on from memory" in line["event"]]) == 1


@pytest.mark.slow
async def test_a_call_goes_on_through_it(tmp_path: Path, database_url: str, own_valkey: str) -> None:
    settings = {"DATABASE_URL": database_url, "REDIS_URL": own_valkey, "CALL_LANGUAGE": "en-GB"}
    settings["AGENT_FILE"] = brief_agent(tmp_path, "en")
    with running_engine(tmp_path / "engine", NODE_NAME="one", **settings) as engine:
        async with open_api(engine) as api:
            async with open_phone("127.0.0.1", engine.port, uuid4()) as phone:
                assert await phone.agent_speaking()
                with as_replica(own_valkey):
                    call_id = await ask_once(engine)
                    assert (await closed_record(api, call_id))["turns"]
                    assert (await api.get(f"/api/v1/calls/{call_id}/outcome")).status_code == 200
                    health = (await api.get("/health")).json()
                    assert health["parts"]["redis"]["state"] == "failed"
                assert phone.ending is None
            while (await api.get("/health")).json()["status"] != "ok":
                await trio.sleep(0.05)
    [said] = [line for line in engine.log() if line["event"] == "the registry goes on from memory"]
    assert said["problem"] == f"registry: {REPLICA}"
    assert not [line for line in engine.log() if line["level"] in ("error", "critical")]
