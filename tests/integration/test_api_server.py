"""The API over a real socket: its start, who is served, and a quick and quiet end."""

import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import httpx
import pytest
import trio
from prometheus_client import REGISTRY

from callengine.api.server import serve_api
from callengine.listening import bound_socket
from callengine.media.clock import MediaClock
from callengine.media.statistics import ClockCollector
from tests.unit.api.fakes import CALL, RECORD, Engine, problem_of

pytestmark = pytest.mark.integration

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@asynccontextmanager
async def serving(engine: Engine, host: str = "127.0.0.1", **environ: str) -> AsyncIterator[str]:
    """The API of an engine, served on a free port; gives its URL and stops it by cancelling."""
    async with trio.open_nursery() as nursery:
        address = await nursery.start(partial(serve_api, engine.state(environ), bound_socket("API", host, 0)))
        yield f"http://{address}"
        nursery.cancel_scope.cancel("the test is over")


def not_loopback() -> str:
    """An address of this machine that is not loopback; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(probe.getsockname()[0])


async def test_loopback_is_served_without_a_token() -> None:
    engine = Engine(up={CALL})
    engine.journal.records = [RECORD]
    async with serving(engine) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
        assert (await client.get("/health")).json()["status"] == "ok"
        assert (await client.get(f"/api/v1/calls/{CALL}")).json()["turns"][0]["text"] == "Здравствуйте"
        assert (await client.post(f"/api/v1/calls/{CALL}", data={"caller": "+79123456789"})).status_code == 201
        assert (await client.post(f"/api/v1/calls/{CALL}/hangup")).status_code == 204
        assert (await client.get(f"/api/v1/calls/{CALL}/outcome")).text == "retry"
        assert "server" not in (await client.get("/metrics")).headers


async def test_asking_for_the_tasks_does_not_change_their_number() -> None:
    async with serving(Engine()) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
        started = trio.lowlevel.current_statistics().tasks_living
        counted = set()
        REGISTRY.register(collector := ClockCollector(MediaClock()))
        try:
            for _ in range(50):
                text = (await client.get("/metrics")).text
                counted |= {line for line in text.splitlines() if line.startswith("callengine_tasks ")}
        finally:
            REGISTRY.unregister(collector)
    assert counted == {f"callengine_tasks {started + 2:.1f}"}, "the connection's and the request's"


async def test_a_peer_beyond_loopback_needs_a_token() -> None:
    ours = not_loopback()
    async with serving(Engine(), ours) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/health/accepting")).status_code == 200
        assert "loopback" in problem_of(await client.get("/api/v1/calls"), 401)
        problem_of(await client.get("/openapi.json"), 401)
    async with (
        serving(Engine(), ours, API_TOKEN="full-token") as url,
        httpx.AsyncClient(base_url=url, timeout=60) as client,
    ):
        assert problem_of(await client.get("/api/v1/calls"), 401) == "a bearer token is needed"
        bearer = {"Authorization": "Bearer full-token"}
        assert (await client.get("/api/v1/calls", headers=bearer)).status_code == 200


async def test_ipv6_is_served_and_shown() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    async with serving(Engine(), "::1") as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
        assert url.startswith("http://[::1]:")
        assert (await client.get("/api/v1/calls")).status_code == 200


async def connect(url: str) -> trio.SocketStream:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return await trio.open_tcp_stream(host, int(port))


async def test_bodies_are_bounded_and_leave_the_server_well() -> None:
    async with serving(Engine()) as url:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            problem_of(
                await client.post(f"/api/v1/calls/{CALL}", content=b"{}", headers={"Content-Type": "text/x"}), 415
            )
        for head in (b"Content-Length: 900000000", b"Transfer-Encoding: chunked"):
            stream = await connect(url)
            async with stream:
                await stream.send_all(
                    b"POST /api/v1/calls/%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n" % (str(CALL).encode(), head)
                )
                if head.startswith(b"Transfer"):
                    await stream.send_all(b"f000\r\n" + b"x" * 0xF000 + b"\r\n")
                else:
                    await stream.send_all(b"x" * 0xF000)
                assert b"413" in await stream.receive_some(4096)
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            assert (await client.get("/health/accepting")).status_code == 200


async def test_what_is_not_http_is_refused_quietly() -> None:
    async with serving(Engine()) as url:
        for rubbish in (
            b"\x01\x00\x10" + bytes(16),
            b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000,
            b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        ):
            stream = await connect(url)
            async with stream:
                with contextlib.suppress(trio.BrokenResourceError):
                    await stream.send_all(rubbish)
                    await stream.send_eof()
                    while await stream.receive_some(4096):
                        pass
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            assert (await client.get("/health/accepting")).status_code == 200


async def test_it_stops_with_connections_open_in_every_state(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    engine = Engine()
    asked = trio.Event()

    async def check() -> None:
        asked.set()
        await trio.sleep_forever()

    engine.journal.check = check  # type: ignore[method-assign]  # a database that never answers
    async with httpx.AsyncClient(timeout=60) as idle:
        async with serving(engine) as url:
            await idle.get(f"{url}/health/accepting")
            silent = await connect(url)
            half = await connect(url)
            await half.send_all(b"POST /api/v1/calls/42 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nab")
            checking = await connect(url)
            await checking.send_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await asked.wait()
        for stream in (silent, half, checking):
            async with stream:
                with contextlib.suppress(trio.BrokenResourceError):
                    assert b"200" not in await stream.receive_some(4096)
    assert [record.name for record in caplog.records if record.name.startswith("hypercorn")] == []


async def test_a_peer_that_does_not_read_does_not_hold_the_end_for_long() -> None:
    async with serving(Engine()) as url:
        host, _, port = url.removeprefix("http://").rpartition(":")
        deaf = trio.socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await deaf.connect((host, int(port)))
        request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        sent = True
        # Ask without reading until the server, stuck in its answer, reads no more either.
        while sent:
            with trio.move_on_after(1) as waited:
                await deaf.send(request * 50)
            sent = not waited.cancelled_caught
    deaf.close()
