"""Redis as it may be, alone and as a Cluster, and what is said of it."""

from typing import Any

import pytest

from callengine.doctor.findings import Finding
from callengine.doctor.redis_rules import RedisSeen, judge_cluster, judge_server

MB = 1 << 20
WELL = {"redis_version": "7.2.4", "role": "master", "maxmemory_policy": "allkeys-lru", "used_memory": 3 * MB,
        "maxmemory": 512 * MB, "cluster_enabled": 0, "loading": 0, "rdb_last_bgsave_status": "ok"}  # fmt: skip


def judged(*, in_cluster: bool = False, seconds: float = 0.0003, **info: Any) -> list[Finding]:
    return judge_server(RedisSeen("", WELL | info, [seconds] * 20), in_cluster)


def test_one_that_is_well() -> None:
    assert [(finding.verdict, finding.says, finding.mend) for finding in judged()] == [
        ("ok", "Redis 7.2.4 answers in 0.30 ms (at most 0.30 ms)", ""),
        ("ok", "memory: 3 MB of 512 MB, maxmemory-policy allkeys-lru", ""),
    ]


@pytest.mark.parametrize(
    ("info", "verdict", "part"),
    [
        ({"role": "slave"}, "fail", "READONLY"),
        ({"cluster_enabled": 1}, "fail", "MOVED"),
        ({"redis_version": "5.0.14"}, "warn", "older than"),
        ({"seconds": 0.04}, "warn", "delays every greeting"),
        ({"rdb_last_bgsave_status": "err"}, "fail", "MISCONF"),
        ({"loading": 1}, "warn", "still reading"),
        ({"maxmemory_policy": "allkeys-random"}, "warn", "may be a call that is up"),
        ({"maxmemory_policy": "volatile-ttl"}, "warn", "may be a call that is up"),
        ({"maxmemory_policy": "noeviction", "used_memory": 500 * MB}, "warn", "when it is full"),
        ({"maxmemory_policy": "noeviction"}, "ok", "3 MB of 512 MB"),
        ({"maxmemory_policy": "noeviction", "maxmemory": 0}, "ok", "3 MB, without a limit"),
        ({"maxmemory_policy": ""}, "ok", "maxmemory-policy not told"),
        ({"in_cluster": True, "cluster_enabled": 1}, "ok", "Redis 7.2.4 answers"),
    ],
)
def test_what_is_said(info: dict[str, Any], verdict: str, part: str) -> None:
    (found,) = [finding for finding in judged(**info) if part in finding.says]
    assert found.verdict == verdict
    assert bool(found.mend) == (verdict in ("warn", "fail"))


STATE = {"cluster_state": "ok", "cluster_slots_ok": "16384"}


def node(node_id: str, flags: str, master_id: str = "-") -> dict[str, Any]:
    return {"node_id": node_id, "flags": flags, "master_id": master_id}


SIX = {f"p{at}:6379": node(f"P{at}", "master") for at in range(3)} | {
    f"r{at}:6379": node(f"R{at}", "slave,nofailover", f"P{at}") for at in range(3)
}


def test_a_cluster_that_is_well() -> None:
    assert [(finding.verdict, finding.says) for finding in judge_cluster(STATE, SIX)] == [
        ("ok", "the Cluster is well: 6 nodes, 3 of them primaries")
    ]


@pytest.mark.parametrize(
    ("state", "nodes", "verdict", "part"),
    [
        ({"cluster_state": "fail", "cluster_slots_ok": "10923"}, SIX, "fail", "state fail, 10923 of 16384 slots"),
        ({"cluster_state": "ok", "cluster_slots_ok": "10923"}, SIX, "fail", "10923 of 16384"),
        (STATE, SIX | {"r2:6379": node("R2", "slave,fail", "P2")}, "warn", "down: r2:6379"),
        (STATE, SIX | {"r2:6379": node("R2", "slave,fail", "P2")}, "warn", "without a replica: p2:6379"),
        (STATE, SIX | {"r2:6379": node("R2", "slave", "P1")}, "warn", "without a replica: p2:6379"),
        (STATE, SIX | {"p2:6379": node("P2", "master,fail")}, "warn", "down: p2:6379"),
    ],
)
def test_a_cluster_that_is_not(
    state: dict[str, str], nodes: dict[str, dict[str, Any]], verdict: str, part: str
) -> None:
    (found,) = [finding for finding in judge_cluster(state, nodes) if part in finding.says]
    assert found.verdict == verdict
    assert found.mend
