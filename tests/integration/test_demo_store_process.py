"""The demo Store as a process: what it writes stays, and what it cannot use is refused in one line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from callengine.errors import ServiceError
from callengine.services.children import open_child, python_child
from tests.store_child import STORE

pytestmark = pytest.mark.integration

WHAT = "the demo Store"


def a_client(address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://{address}/api/v1", trust_env=False, timeout=60)


async def test_what_is_written_outlives_the_child(tmp_path: Path) -> None:
    command = [*STORE, "--database", str(tmp_path / "store.sqlite")]
    environment = {**os.environ, "STORE_API_TOKEN": "secret"}
    async with open_child(command, environment, WHAT, 60) as child, a_client(child.address) as client:
        assert (await client.post("/orders/1042/cancel")).status_code == 401
        cancelled = await client.post("/orders/1042/cancel", headers={"Authorization": "Bearer secret"})
        assert cancelled.status_code == 200
    async with open_child(command, os.environ, WHAT, 60) as child, a_client(child.address) as client:
        assert (await client.get("/orders/1042")).json()["status"] == "cancelled"


async def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    command = [*STORE, "--database", str(tmp_path / "no" / "store.sqlite")]
    with pytest.raises(ServiceError, match=r"status 2: demo store: --database: cannot open .*; give a writable path"):
        async with open_child(command, os.environ, WHAT, 60):
            pytest.fail("it started")


def test_sigterm_ends_it_well() -> None:
    with subprocess.Popen(STORE, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert b"listening" in child.stdout.readline()
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == 0


async def test_a_port_that_is_taken_is_refused_in_one_line() -> None:
    async with open_child(STORE, os.environ, WHAT, 60) as child:
        port = child.address.rsplit(":", 1)[1]
        second = python_child("callengine.services.demo_store", "--port", port)
        with pytest.raises(ServiceError, match=rf"demo store: --port: cannot listen on 127\.0\.0\.1:{port}: .*in use"):
            async with open_child(second, os.environ, WHAT, 60):
                pytest.fail("it started")


def test_the_document_is_printed() -> None:
    command = [sys.executable, "-m", "callengine.services.demo_store", "--document"]
    printed = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
    assert printed == (Path(__file__).parents[2] / "docs" / "store-api.yaml").read_bytes()
