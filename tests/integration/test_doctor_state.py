"""The doctor beside real databases and real Redis: well, behind, ahead, a replica, a Cluster, away."""

from pathlib import Path

import psycopg
import pytest
import redis

from callengine.doctor import database_rules, redis_rules, redis_seen
from callengine.doctor.database import look_at_database, look_at_replica
from callengine.doctor.database_rules import REPLICA, SCHEMA
from callengine.doctor.findings import Finding
from callengine.doctor.redis_seen import look_at_redis
from callengine.services.schema import TABLE, known_steps, migrate_to
from tests.examined import examined, red, told
from tests.integration.test_redis_refuses import as_replica, own_valkey
from tests.integration.test_replica import open_pair

pytestmark = pytest.mark.integration

__all__ = ["own_valkey"]  # a fixture
NOBODY_THERE = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """How fast a busy machine's servers answer is not what is tried here."""
    for module, name in (
        (database_rules, "SLOW_SECONDS"),
        (redis_rules, "SLOW_SECONDS"),
        (redis_seen, "ANSWER_SECONDS"),
        (database_rules, "MOST_LAG_SECONDS"),
    ):
        monkeypatch.setattr(module, name, 60.0)


def schema(found: list[Finding]) -> Finding:
    [one] = [finding for finding in found if finding.check == SCHEMA]
    return one


async def test_a_database_that_is_well(database_url: str) -> None:
    found = await examined(look_at_database, DATABASE_URL=database_url)
    assert red(found) == []
    assert found[0].says.startswith("PostgreSQL 1")
    assert (schema(found).verdict, schema(found).says) == ("ok", f"at the newest step, {known_steps()[-1]}")


async def test_one_that_was_never_migrated_is_a_note_and_stays_as_it_is(empty_database_url: str) -> None:
    for _ in range(2):
        assert schema(await examined(look_at_database, DATABASE_URL=empty_database_url)).verdict == "note"


async def test_one_step_behind_names_the_step_and_the_command(database_url: str) -> None:
    *_, before, newest = known_steps()
    await migrate_to(database_url, before, down=True)
    found = schema(await examined(look_at_database, DATABASE_URL=database_url))
    assert (found.verdict, found.says) == ("warn", f"1 step(s) behind: {newest}")
    assert found.mend.startswith("callengine migrate ")


async def test_one_step_ahead_names_the_way_back(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            f"INSERT INTO {TABLE} (migration_hash, migration_id, applied_at_utc) VALUES ('x', '9999.later', now())"
        )
    found = schema(await examined(look_at_database, DATABASE_URL=database_url))
    assert found.verdict == "warn"
    assert "9999.later" in found.says
    assert f"--to {known_steps()[-1]} --down" in found.mend


@pytest.mark.slow
async def test_a_replica_and_what_is_none(tmp_path: Path) -> None:
    async with open_pair(tmp_path) as pair:
        urls = {"DATABASE_URL": pair.primary_url, "DATABASE_REPLICA_URL": pair.replica_url}
        [well] = await examined(look_at_replica, urls)
        assert (well.check, well.verdict) == (REPLICA, "ok"), well
        [wrong] = await examined(look_at_replica, urls | {"DATABASE_REPLICA_URL": pair.primary_url})
        assert (wrong.verdict, "is no standby" in wrong.says) == ("fail", True)
        [line] = red(await examined(look_at_database, urls | {"DATABASE_URL": pair.replica_url}))
        assert line.startswith("it takes no writes: ")
    assert "DATABASE_REPLICA_URL" in red(await examined(look_at_replica, urls))[0], "it is away"


async def test_a_database_that_is_away_shows_no_password() -> None:
    found = await examined(look_at_database, DATABASE_URL=f"postgresql://shop:s3cret@{NOBODY_THERE}/calls")
    [line] = red(found)
    assert line.startswith("database shop@127.0.0.1/calls: ")
    assert "check DATABASE_URL" in line
    assert "s3cret" not in str(found)


async def test_a_redis_that_is_well_and_one_that_became_a_replica(own_valkey: str) -> None:
    found = await examined(look_at_redis, REDIS_URL=own_valkey)
    assert [verdict for verdict, _ in told(found)] == ["ok", "ok"]
    assert found[0].says.startswith("Redis ")
    with as_replica(own_valkey):
        [line] = red(await examined(look_at_redis, REDIS_URL=own_valkey))
    assert "READONLY" in line
    assert "REDIS_URL must name the primary" in line


async def test_a_policy_that_may_drop_a_call(own_valkey: str) -> None:
    with redis.from_url(own_valkey) as client:
        client.config_set("maxmemory-policy", "allkeys-random")
    found = await examined(look_at_redis, REDIS_URL=own_valkey)
    assert [finding.verdict for finding in found] == ["ok", "warn"]
    assert "maxmemory-policy allkeys-random" in found[1].says


async def test_a_cluster_primary_by_primary_and_one_node_of_it(redis_cluster_url: str) -> None:
    found = await examined(look_at_redis, REDIS_URL=redis_cluster_url)
    assert red(found) == []
    assert found[0].says == "the Cluster is well: 3 nodes, 3 of them primaries"
    assert found[1].says.startswith("primaries without a replica: ")
    assert len([finding for finding in found if " answers in " in finding.says]) == 3
    alone = redis_cluster_url.replace("?cluster=true", "").replace(",", "/0#")
    [line] = red(await examined(look_at_redis, REDIS_URL=alone))
    assert "write ?cluster=true behind REDIS_URL" in line


async def test_a_redis_that_is_away_or_refuses_shows_no_password(own_valkey: str) -> None:
    away = await examined(look_at_redis, REDIS_URL=f"redis://:s3cret@{NOBODY_THERE}/0")
    assert "check REDIS_URL" in red(away)[0]
    with redis.from_url(own_valkey) as client:
        client.config_set("requirepass", "another")
        refused = await examined(look_at_redis, REDIS_URL=own_valkey.replace("redis://", "redis://:s3cret@"))
    assert "password" in red(refused)[0]
    assert "s3cret" not in str(away) + str(refused)
