"""Events over real sockets: followed live, left, not read, and cut by the end of the node."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
import trio

from callengine.api.event_ring import EventRing
from tests.integration.test_api_server import connect, serving
from tests.unit.api.fakes import CLOSED, OPENED, RECORD, Engine
from tests.unit.api.test_events import shown

pytestmark = pytest.mark.integration


@dataclass
class Reader:
    """A reader of the stream by hand; HTTP/1.0 has no chunks among the lines."""

    stream: trio.SocketStream
    rest: bytes = b""

    async def line(self) -> str:
        """The next line; raises EndOfChannel at the end."""
        while b"\n" not in self.rest:
            more = await self.stream.receive_some()
            if not more:
                raise trio.EndOfChannel
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode().rstrip("\r")

    async def names(self) -> list[str]:
        """The names of all events that are still to come."""
        found: list[str] = []
        while True:  # noqa: ASYNC913 - `line` has one wherever it waits
            try:
                line = await self.line()
            except trio.EndOfChannel:
                return found
            if line.startswith("event: "):
                found.append(line.removeprefix("event: "))


@asynccontextmanager
async def following(url: str, last_id: str = "") -> AsyncIterator[Reader]:
    """A reader that has its place."""
    header = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
    async with await connect(url) as stream:
        await stream.send_all(f"GET /api/v1/events HTTP/1.0\r\nHost: localhost\r\n{header}\r\n".encode())
        reader = Reader(stream)
        assert "200" in await reader.line()
        while await reader.line():
            pass
        assert (await reader.line(), await reader.line()) == ("retry: 2000", "")
        yield reader


async def no_reader(ring: EventRing) -> None:
    while ring.readers:
        await trio.sleep(0.01)


async def test_a_call_is_followed_as_it_happens_and_again_after_a_break() -> None:
    engine = Engine()
    engine.events.begin((7, 0))
    async with serving(engine) as url:
        async with following(url) as reader:
            engine.events.add(shown(OPENED, (7, 1)))
            assert await reader.line() == "id: 7-1"
            assert await reader.line() == "event: opened"
            assert json.loads((await reader.line()).removeprefix("data: "))["number"] == "+79123456789"
        with trio.fail_after(60):
            await no_reader(engine.events)  # it has left
        engine.events.add(shown(RECORD.turns[0], (7, 2)))
        async with following(url, "7-1") as reader:
            assert [await reader.line() for _ in range(2)] == ["id: 7-2", "event: turn"]


async def test_the_end_of_the_node_ends_the_stream_after_its_last_event() -> None:
    engine = Engine()
    async with serving(engine) as url, following(url) as reader:
        engine.events.drain()
        engine.events.add(shown(CLOSED, None))
        await engine.events.close(10)
        names = await reader.names()
    assert names == ["closed", "draining"]


async def test_a_reader_that_does_not_read_is_dropped_and_harms_nobody() -> None:
    engine = Engine(events=EventRing(size=50))
    async with serving(engine) as url, following(url) as reader:
        host, _, port = url.removeprefix("http://").rpartition(":")
        deaf = trio.socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await deaf.connect((host, int(port)))
        await deaf.send(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with trio.fail_after(60):
            while engine.events.readers < 2:
                await trio.sleep(0.01)
            long = replace(RECORD.turns[0], text="длинно " * 5000)
            while engine.events.readers == 2:
                engine.events.add(shown(long, None))
                while not (await reader.line()).startswith("data: "):
                    pass
        engine.events.add(shown(CLOSED, None))
        assert await reader.line() == ""
        assert await reader.line() == "event: closed"
        deaf.close()
