"""The demo Store as a child: it comes up, keeps its file, and goes when it is told to or left alone."""

import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from callengine.errors import ServiceError
from callengine.services.embedded_store import open_embedded_store
from tests.store_child import COMMAND

pytestmark = pytest.mark.integration


def a_client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=30)


async def test_what_is_written_outlives_the_child(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite"
    async with open_embedded_store(file, "secret") as url, a_client(url) as client:
        assert (await client.post("/orders/1042/cancel")).status_code == 401
        cancelled = await client.post("/orders/1042/cancel", headers={"Authorization": "Bearer secret"})
        assert cancelled.status_code == 200
    async with open_embedded_store(file) as url, a_client(url) as client:
        assert (await client.get("/orders/1042")).json()["status"] == "cancelled"


async def test_a_store_that_does_not_start_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ServiceError, match="demo Store did not start"):
        async with open_embedded_store(tmp_path / "no" / "such" / "folder"):
            pytest.fail("it started")
    message = capfd.readouterr().err
    assert message.startswith("demo store: --database: cannot open")
    assert message.count("\n") == 1


def test_sigterm_ends_it_well() -> None:
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert b"listening" in child.stdout.readline()
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=30) == 0


def test_a_port_that_is_taken_is_refused_in_one_line() -> None:
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        port = child.stdout.readline().decode().rsplit(":", 1)[1].rstrip('"}\n')
        second = subprocess.run([*COMMAND[:4], port], capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 2
    assert second.stderr.startswith(f"demo store: --port: cannot listen on 127.0.0.1:{port}")
    assert second.stderr.count("\n") == 1
