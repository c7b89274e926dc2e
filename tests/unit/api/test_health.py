"""Health for people, for balancers, and metrics."""

import pytest
import trio
from trio.testing import MockClock

from callengine.api.checks import CheckedParts
from callengine.api.health import CHECKED_FOR_SECONDS
from callengine.api.state import Admission
from tests.unit.api.fakes import Engine, problem_of


async def test_a_well_node_says_so_part_by_part() -> None:
    async with Engine().client() as client:
        response = await client.get("/health")
    assert response.status_code == 200
    body = response.json()
    assert body["status"] == "ok"
    assert {name: part["state"] for name, part in body["parts"].items()} == {
        "audiosocket": "ok",
        "database": "ok",
        "redis": "ok",
        "spool": "ok",
    }
    assert body["journal_backlog"] == 0


@pytest.mark.parametrize("sick", ["audiosocket", "database", "redis"])
async def test_a_part_that_fails_makes_503_and_tells_no_address(sick: str) -> None:
    engine = Engine(listening=sick != "audiosocket")
    engine.journal.away = sick == "database"
    engine.registry.away = sick == "redis"
    async with engine.client(peer="192.0.2.7") as client:
        response = await client.get("/health")
    assert response.status_code == 503
    assert [name for name, part in response.json()["parts"].items() if part["state"] == "failed"] == [sick]
    assert "pa55" not in response.text


async def test_a_spool_that_fails_is_told_with_what_waits() -> None:
    engine = Engine()
    engine.journal.spool_failed = True
    engine.journal.backlog = 7
    async with engine.client() as client:
        response = await client.get("/health")
    assert response.status_code == 503
    body = response.json()
    assert [name for name, part in body["parts"].items() if part["state"] == "failed"] == ["spool"]
    assert body["journal_backlog"] == 7


async def test_services_are_asked_once_in_a_while(autojump_clock: MockClock) -> None:
    engine = Engine()
    async with engine.client() as client:
        for _ in range(10):
            await client.get("/health")
        assert engine.journal.checks == 1
        await trio.sleep(1.0)
        assert (await client.get("/health")).json()["parts"]["database"]["age_seconds"] == 1.0
        await trio.sleep(CHECKED_FOR_SECONDS)
        await client.get("/health")
    assert engine.journal.checks == 2


async def test_a_check_that_hangs_is_a_failed_part(autojump_clock: MockClock) -> None:
    parts = CheckedParts({"database": trio.sleep_forever, "redis": trio.lowlevel.checkpoint}, CHECKED_FOR_SECONDS)
    states = await parts.states()
    assert {name: part.state for name, part in states.items()} == {"database": "failed", "redis": "ok"}
    assert trio.current_time() == 2.0


async def test_accepting_asks_no_dependency() -> None:
    engine = Engine()
    engine.journal.away = engine.registry.away = True
    async with engine.client() as client:
        assert (await client.get("/health/accepting")).json() == {
            "accepting": True,
            "calls": 1,
            "capacity": 2,
            "draining": False,
        }
        engine.admission = Admission(2, 2, False)
        assert problem_of(await client.get("/health/accepting"), 404) == "full: 2 of 2 calls up"
        engine.admission = Admission(0, 2, True)
        assert problem_of(await client.get("/health/accepting"), 404) == "draining"
    assert engine.journal.checks == 0


async def test_metrics_are_prometheus_text() -> None:
    async with Engine().client(peer="192.0.2.7") as client:
        response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    assert "# TYPE callengine_calls_active gauge" in response.text
