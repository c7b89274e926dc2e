"""Variant B's Redis Cluster: made once, whatever is run again; a primary that dies is replaced under the registry."""

from pathlib import Path
from uuid import uuid4

import pytest
import redis
import trio

from callengine.errors import ServiceError
from callengine.ports.tools import CallerContext
from callengine.services.bridge import open_bridge
from callengine.services.registry import RedisRegistry, open_registry
from tests.deploy.dialplan import until
from tests.deploy.six_redis import HOST, Node, Six, running_six

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PATIENCE_SECONDS = 240  # a guard against hanging; nothing is timed by it
KEYS = 60  # of three shards: by chance none is without


async def test_it_is_made_once_and_left_alone_afterwards(tmp_path: Path) -> None:
    with running_six(tmp_path) as six, trio.fail_after(PATIENCE_SECONDS):
        made = await trio.to_thread.run_sync(six.make)
        assert made.returncode == 0, made.stdout + made.stderr
        assert "the Cluster of 6 nodes has all its slots" in made.stdout
        await until(lambda: len(primaries(six)) == 3)  # more for a moment, where one that was silent is replaced
        again = await trio.to_thread.run_sync(six.make)
        assert (again.returncode, again.stdout) == (0, "the Cluster of 6 nodes has all its slots\n")


def test_nobody_asks_without_the_password(tmp_path: Path) -> None:
    with running_six(tmp_path) as six, pytest.raises(redis.exceptions.AuthenticationError):
        redis.Redis(HOST, six.nodes[0].port).ping()


async def taken(registry: RedisRegistry, call_ids: list[str]) -> bool:
    """Whether each caller is known."""
    return all([await registry.take_caller(call_id) is not None for call_id in call_ids])


async def put(registry: RedisRegistry) -> list[str]:
    """Callers over all shards."""
    call_ids = [str(uuid4()) for _ in range(KEYS)]
    for call_id in call_ids:
        await registry.put_caller(CallerContext(call_id, "ru-RU", "+79990000000"))
    return call_ids


async def answers(registry: RedisRegistry) -> bool:
    """Whether every shard takes writes."""
    try:
        return await taken(registry, await put(registry))
    except ServiceError:
        return False


async def test_a_primary_that_dies_is_replaced(tmp_path: Path) -> None:
    with running_six(tmp_path) as six, trio.fail_after(PATIENCE_SECONDS):
        made = await trio.to_thread.run_sync(six.make)
        assert made.returncode == 0, made.stdout + made.stderr
        async with open_bridge() as bridge, open_registry(six.url, "engine-1", bridge) as registry:
            before = await put(registry)
            await until(lambda: all_copied(six))
            dies = primaries(six)[0]
            dies.process.kill()
            await until(lambda: len(primaries(six, but=dies)) == 3)
            await until(lambda: answers(registry))
            assert await taken(registry, before), "what it held is with its replica"


def primaries(six: Six, but: Node | None = None) -> list[Node]:
    """Those that have slots: not always the same, for one that a busy machine keeps silent for long is replaced."""
    return [node for node in six.nodes if node is not but and node.is_primary()]


def all_copied(six: Six) -> bool:
    """Whether the replicas have all that their primaries were told."""
    told = [node.replication() for node in six.nodes]
    written = sorted(each["master_repl_offset"] for each in told if each["role"] == "master")
    copied = sorted(each["slave_repl_offset"] for each in told if each["role"] == "slave")
    return len(copied) == 3 and written == copied
