"""The OpenAPI document, held against a real server: nothing that it allows, or forbids, is answered otherwise."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from queue import Queue
from typing import Any

import pytest
import schemathesis
import trio
from hypothesis import HealthCheck, settings
from schemathesis import CheckFunction
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from callengine.api.app import described_api
from callengine.api.server import serve_api
from callengine.listening import bound_socket
from tests.unit.api.fakes import CALL, KEPT, RECORD, Engine

pytestmark = pytest.mark.integration

# What ends calls, nodes or tests has hand-written cases: test_calls.py, test_operators, test_api_events.py.
BY_HAND = ["/api/v1/drain", "/api/v1/events", "/api/v1/calls/{call_id}/hangup", "/api/v1/calls/{call_id}/transfer"]
schema = schemathesis.openapi.from_dict(described_api(Engine().state()).openapi()).exclude(path=BY_HAND)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An API over a socket, in a thread of its own: what asks it knows nothing of Trio."""
    said: Queue[tuple[str, trio.lowlevel.TrioToken, trio.CancelScope]] = Queue()

    async def serve() -> None:
        engine = Engine()
        engine.journal.records = [replace(RECORD, recordings=(KEPT,))]
        engine.sounds[KEPT.file] = bytes(1000)
        engine.announced[CALL] = CALL
        async with trio.open_nursery() as nursery:
            address = await nursery.start(partial(serve_api, engine.state(), bound_socket("API", "127.0.0.1", 0)))
            said.put((f"http://{address}", trio.lowlevel.current_trio_token(), nursery.cancel_scope))

    server = threading.Thread(target=trio.run, args=(serve,))
    server.start()
    address, token, scope = said.get(timeout=60)
    yield address
    token.run_sync_soon(scope.cancel)
    server.join()


@schema.parametrize()
@settings(
    max_examples=20,
    deadline=timedelta(seconds=30),
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_the_document_is_what_is_served(case: schemathesis.Case[Any], url: str) -> None:
    excluded: list[CheckFunction] = []
    if "cursor" in (case.query or {}):
        excluded.append(positive_data_acceptance)  # a cursor is another page's, not any text
    if case.method in ("POST", "PUT"):
        excluded.append(negative_data_rejection)  # what a telephone sends is cleaned, not refused
    case.call_and_validate(base_url=url, excluded_checks=excluded)
