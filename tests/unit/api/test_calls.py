"""Calls over HTTP: the record, registration, outcomes, hang-up, drain."""

import base64
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from callengine.ports.journal import CallRecord
from callengine.ports.tools import CallerContext
from callengine.ports.usage import Bill, Used
from tests.unit.api.fakes import CALL, CLOSED, OPENED, RECORD, USED, Engine, problem_of


def recorded() -> Engine:
    engine = Engine()
    engine.journal.records = [RECORD]
    return engine


async def test_a_call_is_shown_with_turns_tools_and_timings() -> None:
    async with recorded().client() as client:
        body = (await client.get(f"/api/v1/calls/{CALL}")).json()
    assert body["outcome"] == "completed"
    assert body["opened_at"] == "2026-03-01T09:00:00Z"
    assert (body["number"], body["channel"]) == ("+79123456789", "PJSIP/7")
    assert body["turns"][0]["text"] == "Здравствуйте"
    assert body["turns"][0]["timings"] == {"response": 0.09}
    assert body["tools"][0]["arguments"] == {"query": "шины"}


async def test_who_is_to_be_called_back_is_shown_whole() -> None:
    async with recorded().client() as client:
        (listed,) = (await client.get("/api/v1/callbacks")).json()["callbacks"]
        body = (await client.get(f"/api/v1/calls/{CALL}")).json()
        earlier = await client.get("/api/v1/callbacks", params={"before": listed["requested_at"]})
    assert (listed["call_id"], listed["number"], listed["when"]) == (str(CALL), "+79123456789", "завтра")
    assert (body["callbacks"], body["summary"]) == ([listed], "Ищет шины.")
    assert earlier.json() == {"callbacks": []}


async def test_the_person_s_announcement_is_a_uuid_or_nothing() -> None:
    engine, connection = Engine(), uuid4()
    engine.announced[CALL] = connection
    async with engine.client() as client:
        texts = [(await client.get(f"/api/v1/calls/{call}/announcement")).text for call in (CALL, uuid4(), "no-uuid")]
    assert texts == [str(connection), "", ""]


async def test_what_a_call_used_and_costs() -> None:
    async with recorded().client() as client:
        body = (await client.get(f"/api/v1/calls/{CALL}")).json()
    nothing = dict.fromkeys(
        ("characters", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"), 0
    )
    tokens = {"service": "llm", "product": "claude-haiku-5-5", "seconds": 0.0, **nothing, "usd": 0.000173}
    tokens |= {"input_tokens": 1200, "cache_read_tokens": 5300}
    audio = {"service": "stt", "product": "google/v2/chirp_3", "seconds": 61.0, **nothing, "usd": 0.0162666667}
    assert body["turns"][0]["used"] == [tokens]
    assert body["used"] == [tokens, audio]
    assert body["cost_usd"] == {"stt": 0.0162666667, "llm": 0.000173, "tts": 0.0, "total": 0.0164396667}


@pytest.mark.parametrize(
    ("used", "shown"),
    [
        (None, (None, None)),
        ((), ([], {"stt": 0.0, "llm": 0.0, "tts": 0.0, "total": 0.0})),
    ],
)
async def test_a_call_whose_use_is_not_known_and_one_that_used_nothing(used: Bill | None, shown: object) -> None:
    engine = Engine()
    engine.journal.records = [CallRecord(OPENED, replace(CLOSED, used=used))]
    async with engine.client() as client:
        [call] = (await client.get("/api/v1/calls")).json()["calls"]
    assert (call["used"], call["cost_usd"]) == shown


async def test_a_product_without_a_price_makes_its_service_and_the_call_null() -> None:
    engine = Engine()
    used = (*USED, Used("tts", "other", characters=9))
    engine.journal.records = [CallRecord(OPENED, replace(CLOSED, used=used))]
    async with engine.client() as client:
        body = (await client.get(f"/api/v1/calls/{CALL}")).json()
    assert body["used"][2]["characters"] == 9
    assert body["cost_usd"] == {"stt": 0.0162666667, "llm": 0.000173, "tts": None, "total": None}


async def test_a_call_that_is_up_has_no_end() -> None:
    engine = Engine()
    engine.journal.records = [CallRecord(OPENED, None)]
    async with engine.client() as client:
        [call] = (await client.get("/api/v1/calls")).json()["calls"]
    assert (call["closed_at"], call["outcome"], call["seconds"]) == (None, None, None)
    assert (call["used"], call["cost_usd"]) == (None, None)
    assert "turns" not in call


async def test_pages_go_on_before_a_time() -> None:
    engine = recorded()
    async with engine.client() as client:
        later = (OPENED.opened_at + timedelta(seconds=1)).isoformat()
        assert len((await client.get("/api/v1/calls", params={"before": later, "limit": 1})).json()["calls"]) == 1
        same = OPENED.opened_at.isoformat()
        assert (await client.get("/api/v1/calls", params={"before": same})).json()["calls"] == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=many",
        "before=yesterday",
        "before=2026-03-01T09:00:00",
        "before=0.5",
        "before=20260301T090000Z",
        "since=yesterday",
        "number=yesterday",
        "number=",
        "outcome=yesterday",
        "outcome=",
        "cursor=yesterday",
        "cursor=",
        "cursor=%D1%88",
        f"cursor={base64.urlsafe_b64encode(b'2026-03-01T09:00:00 naive').decode()}",
    ],
)
async def test_a_page_that_cannot_be_is_named_without_echo(query: str) -> None:
    async with recorded().client() as client:
        detail = problem_of(await client.get(f"/api/v1/calls?{query}"), 422)
    assert detail.startswith("query." + query.partition("=")[0])
    assert "yesterday" not in detail


async def test_unknown_calls_paths_and_methods_are_problems() -> None:
    async with recorded().client() as client:
        assert problem_of(await client.get(f"/api/v1/calls/{uuid4()}"), 404) == "no such call in the record"
        assert "path.call_id" in problem_of(await client.get("/api/v1/calls/42"), 422)
        problem_of(await client.get("/docs"), 404)
        response = await client.delete(f"/api/v1/calls/{CALL}")
        problem_of(response, 405)
        assert response.headers["allow"] == "GET, POST, PUT"


async def test_a_database_that_is_away_is_503_and_its_address_stays_here() -> None:
    engine = recorded()
    engine.journal.away = True
    async with engine.client() as client:
        for path in ("/api/v1/calls", f"/api/v1/calls/{CALL}"):
            response = await client.get(path)
            assert "/health" in problem_of(response, 503)
            assert response.headers["retry-after"] == "5"
            assert "pa55" not in response.text


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_the_dialplan_registers_a_call(method: str) -> None:
    engine = Engine()
    form = {
        "caller": "+79123456789",
        "name": "Иван",
        "called": "100",
        "language": "en",
        "channel": "PJSIP/7",
        "vip": "1",
    }
    async with engine.client() as client:
        response = await client.request(method, f"/api/v1/calls/{CALL}", data=form)
    assert response.status_code == 201
    assert response.json() == {"call_id": str(CALL), "expires_seconds": 60}
    assert engine.registry.put == [
        CallerContext(str(CALL), "en", "+79123456789", "Иван", "100", "PJSIP/7", {"vip": "1"})
    ]


async def test_a_registration_without_a_language_leaves_it_to_the_agent() -> None:
    engine = Engine()
    async with engine.client(CALL_LANGUAGE="en-GB") as client:
        assert (await client.post(f"/api/v1/calls/{str(CALL).upper()}")).status_code == 201
    assert engine.registry.put == [CallerContext(str(CALL), "")]


async def test_a_language_may_be_written_as_asterisk_does() -> None:
    engine = Engine()
    async with engine.client() as client:
        assert (await client.post(f"/api/v1/calls/{CALL}", data={"language": "en_GB"})).status_code == 201
    assert engine.registry.put == [CallerContext(str(CALL), "en-GB")]


async def test_registrations_out_of_bounds_are_refused() -> None:
    engine = Engine()
    path = f"/api/v1/calls/{CALL}"
    async with engine.client() as client:
        problem_of(await client.post(path, data={"language": "russian"}), 422)
        problem_of(await client.post("/api/v1/calls/42", data={}), 422)
        engine.registry.away = True
        problem_of(await client.post(path, data={"caller": "1"}), 503)
    assert engine.registry.put == []


async def test_the_outcome_is_always_one_word() -> None:
    engine = Engine(outcomes={CALL: "transfer:sales"})
    engine.journal.away = True
    async with engine.client() as client:
        for asked, word in ((str(CALL), "transfer:sales"), (str(uuid4()), "retry"), ("42", "retry")):
            response = await client.get(f"/api/v1/calls/{asked}/outcome")
            assert (response.status_code, response.text) == (200, word)
            assert response.headers["content-type"] == "text/plain; charset=utf-8"


async def test_drain_answers_with_what_is_left() -> None:
    async with Engine().client() as client:
        response = await client.post("/api/v1/drain")
        assert response.status_code == 202
        assert response.json() == {"accepting": False, "calls": 1, "capacity": 2, "draining": True}
        problem_of(await client.get("/health/accepting"), 404)


async def test_refused_requests_do_nothing() -> None:
    engine = Engine(up={CALL})
    async with engine.client(peer="192.0.2.7") as client:
        called = f"/api/v1/calls/{CALL}"
        for path in ("/api/v1/drain", f"{called}/hangup", f"{called}/transfer", called):
            response = await client.post(path)
            assert "loopback" in problem_of(response, 401)
            assert response.headers["www-authenticate"] == "Bearer"
    assert (engine.admission.draining, engine.up, engine.registry.put) == (False, {CALL}, [])


async def test_tokens_open_what_they_should() -> None:
    engine = recorded()
    tokens = {"API_TOKEN": "full-token", "API_READ_TOKEN": "read-token"}
    async with engine.client(peer="192.0.2.7", **tokens) as client:
        read, full = {"Authorization": "Bearer read-token"}, {"Authorization": "Bearer full-token"}
        assert (await client.get("/api/v1/calls", headers=read)).status_code == 200
        problem_of(await client.post("/api/v1/drain", headers=read), 401)
        assert (await client.post("/api/v1/drain", headers=full)).status_code == 202


async def test_a_fault_of_ours_is_a_problem_without_details() -> None:
    engine = recorded()
    engine.journal.records = [None]  # type: ignore[list-item]  # a bug
    async with engine.client() as client:
        assert "fault of the engine" in problem_of(await client.get("/api/v1/calls"), 500)


async def test_the_document_describes_every_route() -> None:
    async with Engine().client() as client:
        document = (await client.get("/openapi.json")).json()
    routes = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert routes == {
        ("GET", "/health"),
        ("GET", "/health/ready"),
        ("GET", "/health/accepting"),
        ("GET", "/metrics"),
        ("GET", "/api/v1/calls"),
        ("GET", "/api/v1/calls/{call_id}"),
        ("POST", "/api/v1/calls/{call_id}"),
        ("PUT", "/api/v1/calls/{call_id}"),
        ("GET", "/api/v1/calls/{call_id}/outcome"),
        ("GET", "/api/v1/calls/{call_id}/announcement"),
        ("GET", "/api/v1/calls/{call_id}/recording"),
        ("GET", "/api/v1/callbacks"),
        ("GET", "/api/v1/events"),
        ("POST", "/api/v1/calls/{call_id}/hangup"),
        ("POST", "/api/v1/calls/{call_id}/transfer"),
        ("POST", "/api/v1/drain"),
    }
    assert "HTTPValidationError" not in httpx.Response(200, json=document).text
    operations = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(operations)) == len(operations)
