"""PostgreSQL as it may be, and what is said of it."""

from dataclasses import replace
from typing import Any

import pytest

from callengine.doctor.database_rules import MIGRATE, SCHEMA, DatabaseSeen, judge_database, judge_replica
from callengine.doctor.findings import Finding

KNOWN = ("0001.calls", "0002.channel", "0003.cost")
WELL = DatabaseSeen(160014, False, True, frozenset(KNOWN), 97, 5, "0.8.0", [0.0004] * 10)


def judged(**changes: Any) -> list[Finding]:
    return judge_database(replace(WELL, **changes), KNOWN)


def test_one_that_is_well() -> None:
    found = judged()
    assert {finding.verdict for finding in found} == {"ok", "note"}
    assert found[0].says == "PostgreSQL 16.14 answers in 0.40 ms (at most 0.40 ms)"
    assert not any(finding.mend for finding in found)


@pytest.mark.parametrize(
    ("changes", "verdict", "part"),
    [
        ({"version": 130005}, "fail", "too old"),
        ({"version": 150004}, "warn", "nobody has tried this engine with one older than 16"),
        ({"version": 180001}, "ok", "PostgreSQL 18.1 answers"),
        ({"round_trips": [0.08] * 10}, "warn", "over 50 ms is slow"),
        ({"read_only": True}, "fail", "it takes no writes"),
        ({"steps": frozenset(KNOWN[:2])}, "warn", "1 step(s) behind: 0003.cost"),
        ({"steps": frozenset((*KNOWN, "0004.new"))}, "warn", "step 0004.new is not this version's"),
        ({"steps": None}, "note", "the engine makes it when it starts"),
        ({"steps": frozenset()}, "note", "the engine makes it when it starts"),
        ({"steps": None, "may_create": False}, "fail", "the user may not create tables"),
        ({"may_create": False}, "ok", "at the newest step"),  # there is nothing to create
        ({"connections": 92}, "warn", "5 of 97 connections are free; a node wants 8"),
        ({"vector": ""}, "note", "not installed"),
        ({"vector": "available"}, "note", "not enabled"),
    ],
)
def test_what_is_said(changes: dict[str, Any], verdict: str, part: str) -> None:
    (found,) = [finding for finding in judged(**changes) if part in finding.says]
    assert found.verdict == verdict
    assert bool(found.mend) == (verdict in ("warn", "fail"))


def test_the_mends_of_a_schema_are_commands() -> None:
    (behind,) = [finding for finding in judged(steps=frozenset(KNOWN[:1])) if finding.check == SCHEMA]
    (ahead,) = [finding for finding in judged(steps=frozenset((*KNOWN, "0004.new"))) if finding.check == SCHEMA]
    assert behind.mend == MIGRATE
    assert "callengine migrate --to 0003.cost --down" in ahead.mend


@pytest.mark.parametrize(
    ("standby", "lag", "verdict", "part"),
    [
        (True, 0.0, "ok", "0.0 s behind"),
        (True, 61.0, "warn", "61 s behind"),
        (True, float("inf"), "warn", "inf s behind"),
        (False, 0.0, "fail", "is no standby"),
    ],
)
def test_a_replica(standby: bool, lag: float, verdict: str, part: str) -> None:
    found = judge_replica(standby, lag)
    assert (found.verdict, part in found.says, bool(found.mend)) == (verdict, True, verdict != "ok")
