"""What is done to a call over HTTP: hung up, put through, wherever it is up."""

from uuid import uuid4

from tests.unit.api.fakes import CALL, Engine, problem_of


async def test_a_call_that_is_up_is_hung_up_once() -> None:
    engine = Engine(up={CALL})
    async with engine.client() as client:
        assert (await client.post(f"/api/v1/calls/{CALL}/hangup")).status_code == 204
        assert "on any node" in problem_of(await client.post(f"/api/v1/calls/{CALL}/hangup"), 404)


async def test_a_hang_up_that_asterisk_has_not_confirmed_is_told_apart() -> None:
    async with Engine(up={CALL}, deaf=True).client() as client:
        assert (await client.post(f"/api/v1/calls/{CALL}/hangup")).status_code == 202


async def test_a_call_is_put_through_once() -> None:
    engine = Engine(up={CALL})
    path = f"/api/v1/calls/{CALL}/transfer"
    async with engine.client() as client:
        assert "transfer targets" in problem_of(await client.post(path, json={"target": "nobody"}), 422)
        assert "body.target" in problem_of(await client.post(path, json={}), 422)
        problem_of(await client.post(path, content=b"not JSON", headers={"content-type": "application/json"}), 422)
        assert engine.ordered == {}
        assert (await client.post(path, json={"target": "sales"})).status_code == 202
        assert engine.ordered == {CALL: "sales"}
        assert "already" in problem_of(await client.post(path, json={"target": "sales"}), 409)
        other = f"/api/v1/calls/{uuid4()}/transfer"
        assert "on any node" in problem_of(await client.post(other, json={"target": "sales"}), 404)


async def test_a_node_that_does_not_answer_is_a_service_that_is_away() -> None:
    async with Engine(elsewhere_away=True).client() as client:
        problem_of(await client.post(f"/api/v1/calls/{CALL}/hangup"), 503)
        problem_of(await client.post(f"/api/v1/calls/{CALL}/transfer", json={"target": "sales"}), 503)
