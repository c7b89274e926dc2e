"""Readiness: could this node hold a conversation now, and with which recogniser?"""

import pytest
import trio
from trio.testing import MockClock

from callengine.api.health import REMOTE_FOR_SECONDS
from callengine.api.state import Admission
from callengine.errors import EngineError, ReasoningError, RecognizerError
from tests.unit.api.fakes import Engine

AWAY = RecognizerError("grpc://gpu-node:8443 refuses s3cret", retryable=True)


async def ask(engine: Engine) -> tuple[int, dict[str, object]]:
    async with engine.client(peer="192.0.2.7") as client:
        response = await client.get("/health/ready")
    assert "s3cret" not in response.text
    return response.status_code, response.json()


def failed(body: dict[str, object]) -> list[str]:
    parts = body["parts"]
    assert isinstance(parts, dict)
    return [name for name, part in parts.items() if part["state"] == "failed"]


async def test_a_ready_node_names_every_part() -> None:
    status, body = await ask(Engine())
    assert (status, body["status"], body["draining"], body["fallback_active"]) == (200, "ok", False, False)
    assert isinstance(body["parts"], dict)
    assert list(body["parts"]) == ["audiosocket", "database", "redis", "spool", "recognizer", "dialog"]


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ("recognizer", AWAY),
        ("recognizer", RecognizerError("for good", retryable=False)),
        ("dialog", ReasoningError("529", retryable=True)),
    ],
)
async def test_what_a_call_needs_and_is_away_makes_503(part: str, fault: EngineError) -> None:
    status, body = await ask(Engine(faults={part: fault}))
    assert (status, body["status"], failed(body)) == (503, "failed", [part])


async def test_a_database_that_is_away_makes_503() -> None:
    engine = Engine()
    engine.journal.away = True
    status, body = await ask(engine)
    assert (status, failed(body)) == (503, ["database"])


async def test_a_draining_node_is_not_ready() -> None:
    status, body = await ask(Engine(admission=Admission(1, 2, True)))
    assert (status, body["status"], body["draining"], failed(body)) == (503, "failed", True, [])


async def test_a_fallback_that_carries_the_load_is_told() -> None:
    status, body = await ask(Engine(fallback=True, faults={"recognizer": AWAY}))
    assert (status, body["status"], body["fallback_active"], failed(body)) == (200, "degraded", True, ["recognizer"])
    status, body = await ask(Engine(fallback=True, fallback_carries=True))
    assert (status, body["status"], body["fallback_active"], failed(body)) == (200, "degraded", True, [])


async def test_a_fallback_that_is_missing_is_told_and_both_missing_is_503() -> None:
    status, body = await ask(Engine(fallback=True, faults={"fallback_recognizer": AWAY}))
    assert (status, body["status"], body["fallback_active"]) == (200, "degraded", False)
    both: dict[str, EngineError] = {"recognizer": AWAY, "fallback_recognizer": AWAY}
    status, body = await ask(Engine(fallback=True, fallback_carries=True, faults=both))
    assert (status, body["status"], body["fallback_active"]) == (503, "failed", False)


async def test_others_are_asked_once_in_ten_seconds(autojump_clock: MockClock) -> None:
    engine = Engine()
    async with engine.client() as client:
        for _ in range(10):
            await client.get("/health/ready")
        assert sorted(engine.asked) == ["dialog", "recognizer"]
        engine.faults["dialog"] = ReasoningError("away", retryable=True)
        await trio.sleep(REMOTE_FOR_SECONDS - 1)
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()["parts"]["dialog"]["age_seconds"]) == (200, 9.0)
        await trio.sleep(1)
        assert (await client.get("/health/ready")).status_code == 503
        await client.get("/health")
    assert len(engine.asked) == 4


async def test_one_that_does_not_answer_is_failed_after_a_while(autojump_clock: MockClock) -> None:
    engine = Engine()
    engine.silent.add("dialog")
    status, body = await ask(engine)
    assert (status, failed(body), trio.current_time()) == (503, ["dialog"], 5.0)
