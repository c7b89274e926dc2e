"""What a Redis must be for the live state, judged. Pure.

Sources: the fields of INFO, CLUSTER INFO and CLUSTER NODES (redis.io/docs/latest/commands)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from callengine.doctor.figures import percentile, shown_bytes, shown_ms
from callengine.doctor.findings import Finding

CHECK = "redis"
LEAST_VERSION = (6, 2)
SLOW_SECONDS = 0.02  # each call asks for its caller and its epoch before it is greeted
# What was not used for longest goes first: the voice's cache, never a call that is up.
KEEPS_CALLS = ("noeviction", "allkeys-lru", "volatile-lru", "allkeys-lfu", "volatile-lfu")
FULL_SHARE = 0.9
SLOTS = 16384


@dataclass(frozen=True, slots=True)
class RedisSeen:
    """One server: where it is (empty where there is one alone), its INFO, and how long questions took."""

    name: str
    info: Mapping[str, Any]
    round_trips: Sequence[float]


def judge_server(seen: RedisSeen, in_cluster: bool) -> list[Finding]:
    """A server that is written to: one alone, or a primary of a Cluster."""
    info, where = seen.info, f" at {seen.name}" if seen.name else ""
    if info.get("role") == "slave":
        mend = "REDIS_URL must name the primary (a failover?); no call's state is kept until then"
        return [Finding(CHECK, "fail", f"Redis{where} is a replica: it answers READONLY to every write", mend)]
    if info.get("cluster_enabled") and not in_cluster:
        says = f"Redis{where} is a node of a Cluster: it answers MOVED to most keys"
        return [Finding(CHECK, "fail", says, "write ?cluster=true behind REDIS_URL")]
    found = [_judge_version(seen, where), _judge_memory(info, where)]
    if info.get("rdb_last_bgsave_status", "ok") != "ok":
        says = f"Redis{where} could not save to its disk, and may refuse every write for it (MISCONF)"
        found.append(Finding(CHECK, "fail", says, "room and rights in its dir; see its log"))
    if info.get("loading"):
        says = f"Redis{where} is still reading its data from disk"
        found.append(Finding(CHECK, "warn", says, "wait until it has; calls go on without"))
    return found


def judge_cluster(state: Mapping[str, str], nodes: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """CLUSTER INFO, and CLUSTER NODES by address."""
    slots = int(state.get("cluster_slots_ok", 0))
    if state.get("cluster_state") != "ok" or slots < SLOTS:
        says = f"the Cluster is not well: state {state.get('cluster_state')}, {slots} of {SLOTS} slots are served"
        return [Finding(CHECK, "fail", says, "redis-cli --cluster check HOST:PORT, and --cluster fix")]
    failed = sorted(name for name, node in nodes.items() if "fail" in str(node["flags"]).replace("nofailover", ""))
    primaries = {node["node_id"]: name for name, node in nodes.items() if "master" in str(node["flags"])}
    followed = {
        node["master_id"] for name, node in nodes.items() if "slave" in str(node["flags"]) and name not in failed
    }
    alone = sorted(name for node_id, name in primaries.items() if node_id not in followed and name not in failed)
    found = [Finding(CHECK, "ok", f"the Cluster is well: {len(nodes)} nodes, {len(primaries)} of them primaries")]
    if failed:
        found.append(Finding(CHECK, "warn", f"nodes that are down: {', '.join(failed)}", "start them, or forget them"))
    if alone:
        says = f"primaries without a replica: {', '.join(alone)}: when one dies, its keys are away"
        found.append(Finding(CHECK, "warn", says, "redis-cli --cluster add-node ... --cluster-slave"))
    return found


def _judge_version(seen: RedisSeen, where: str) -> Finding:
    version = str(seen.info.get("redis_version", "of unknown version"))
    middle, most = percentile(seen.round_trips, 0.5), max(seen.round_trips)
    says = f"Redis {version}{where} answers in {shown_ms(middle)} (at most {shown_ms(most)})"
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers and numbers < LEAST_VERSION:
        return Finding(CHECK, "warn", f"{says}; it is older than what this engine was made for", "Redis 7 or newer")
    if middle > SLOW_SECONDS:
        mend = "a Redis nearer by, on the engines' network"
        return Finding(CHECK, "warn", f"{says}; over {shown_ms(SLOW_SECONDS)} delays every greeting", mend)
    return Finding(CHECK, "ok", says)


def _judge_memory(info: Mapping[str, Any], where: str) -> Finding:
    policy, used, most = str(info.get("maxmemory_policy", "")), info.get("used_memory", 0), info.get("maxmemory", 0)
    room = f"{shown_bytes(used)} of {shown_bytes(most)}" if most else f"{shown_bytes(used)}, without a limit"
    says = f"memory{where}: {room}, maxmemory-policy {policy or 'not told'}"
    if policy and policy not in KEEPS_CALLS:
        says += ": what it drops may be a call that is up"
        return Finding(CHECK, "warn", says, "maxmemory-policy noeviction, or allkeys-lru as in compose.yaml")
    if policy == "noeviction" and most and used > FULL_SHARE * most:
        mend = "raise maxmemory, or allkeys-lru as in compose.yaml (the voice's cache is what goes then)"
        return Finding(CHECK, "warn", f"{says}: when it is full no call's state is kept", mend)
    return Finding(CHECK, "ok", says)
