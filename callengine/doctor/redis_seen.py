"""The live state's Redis, or every primary of a Cluster, asked who it is and how long it takes to answer."""

import time
from typing import Any, cast

import redis.asyncio
import trio
from redis.asyncio.cluster import RedisCluster

from callengine.doctor.checkup import Patient
from callengine.doctor.findings import Finding
from callengine.doctor.own_parts import judge_own_part
from callengine.doctor.redis_rules import CHECK, RedisSeen, judge_cluster, judge_server
from callengine.services.redis_client import REDIS_ERRORS, as_service_error, open_redis

ANSWER_SECONDS = 3.0
ROUND_TRIPS = 20
# All that the rules look at. "everything" would be long, and a managed Redis may refuse CONFIG.
SECTIONS = ("server", "replication", "memory", "cluster", "persistence")


async def look_at_redis(patient: Patient) -> list[Finding]:
    """Whether the live state can be kept."""
    url = patient.settings.redis_url
    if url is None:
        return [judge_own_part(patient.settings, CHECK, "REDIS_URL")]
    async with open_redis(url.get_secret_value(), ANSWER_SECONDS, patient.bridge, texts=True) as client:
        try:
            with trio.fail_after(2 * ANSWER_SECONDS):
                return await patient.bridge.run(_look, client)
        except (*REDIS_ERRORS, trio.TooSlowError) as error:
            raise as_service_error("Redis", error) from error


async def _look(client: redis.asyncio.Redis) -> list[Finding]:
    if not isinstance(cast("object", client), RedisCluster):
        return judge_server(await _see(client, ""), in_cluster=False)
    cluster = cast("Any", client)  # redis-py has no types for a Cluster's targets
    await cluster.initialize()
    found = judge_cluster(await cluster.cluster_info(), await cluster.cluster_nodes())
    for primary in cluster.get_primaries():
        found += judge_server(await _see(cluster, primary.name, target_nodes=primary), in_cluster=True)
    return found


async def _see(client: Any, name: str, **target: Any) -> RedisSeen:
    info: dict[str, Any] = {}
    for section in SECTIONS:
        info |= await client.info(section, **target)
    round_trips = []
    for _ in range(ROUND_TRIPS):
        began = time.perf_counter()
        await client.ping(**target)
        round_trips.append(time.perf_counter() - began)
    return RedisSeen(name, info, round_trips)
