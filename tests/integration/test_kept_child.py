"""A child that dies is started again where it was, and said to have died."""

import os
import signal
import sys
from contextlib import AbstractAsyncContextManager

import psutil
import pytest
import trio

from callengine.errors import ServiceError
from callengine.services import kept_child
from callengine.services.children import Child, open_child
from callengine.services.kept_child import open_kept_child
from tests.conftest import ExpectErrorLog

pytestmark = pytest.mark.integration

PATIENCE_SECONDS = 60.0
SERVER = """
import json, socket, sys
host, port = sys.argv[1].split(":")
with socket.create_server((host, int(port))) as server:
    print(json.dumps({"listening": "%s:%d" % server.getsockname()}), flush=True)
    sys.stdin.read()
"""


class Starts:
    """Starts a child, and knows where it was asked to; from `broken_from` on they end at once."""

    def __init__(self, broken_from: int = 1000) -> None:
        self.asked: list[str] = []
        self.broken_from = broken_from

    def __call__(self, address: str) -> AbstractAsyncContextManager[Child]:
        self.asked.append(address)
        text = "import sys; sys.exit('no memory')" if len(self.asked) >= self.broken_from else SERVER
        argv = [sys.executable, "-I", "-S", "-c", text, address]
        return open_child(argv, {"PATH": os.environ["PATH"]}, "the echo", PATIENCE_SECONDS)


async def back_at(address: str, starts: Starts, number: int) -> None:
    """Wait until the start with this number serves."""
    host, _, port = address.rpartition(":")
    with trio.fail_after(PATIENCE_SECONDS):
        while len(starts.asked) < number or not await reachable(host, int(port)):
            await trio.sleep(0.01)


async def reachable(host: str, port: int) -> bool:
    try:
        await (await trio.open_tcp_stream(host, port)).aclose()
    except OSError:
        return False
    return True


def kill_server_at(address: str) -> None:
    """End whoever listens there, of our own children only."""
    port = int(address.rpartition(":")[2])
    for process in psutil.Process().children():
        if any(each.laddr.port == port for each in process.net_connections()):
            os.kill(process.pid, signal.SIGKILL)


async def test_it_comes_back_where_it_was(expect_error_log: ExpectErrorLog) -> None:
    starts = Starts()
    with expect_error_log("the echo was killed by SIGKILL"):
        async with open_kept_child(starts) as address:
            kill_server_at(address)
            await back_at(address, starts, 2)
        assert starts.asked == ["127.0.0.1:0", address]
    host, _, port = address.rpartition(":")
    assert not await reachable(host, int(port)), "it is gone after the block"


async def test_one_that_never_comes_back_is_tried_ever_more_slowly(
    expect_error_log: ExpectErrorLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_child, "BACKOFF_SECONDS", (0.0, 0.01, 0.02))
    starts = Starts(broken_from=2)
    with expect_error_log("ended with exit status 1: no memory"), expect_error_log("killed by SIGKILL"):
        async with open_kept_child(starts) as address:
            kill_server_at(address)
            with trio.fail_after(PATIENCE_SECONDS):
                while len(starts.asked) < 5:
                    await trio.sleep(0.01)


async def test_a_first_start_that_fails_is_an_error() -> None:
    with pytest.RaisesGroup(ServiceError):
        async with open_kept_child(Starts(broken_from=1)):
            pytest.fail("the block was entered")
