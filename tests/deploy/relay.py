"""A node's network, as far as a test may have one without root: it carries bytes between a balancer and a node until
it is told to drop everything. Connections still come about then, and nothing passes any more."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import trio

from tests.engine_process import EngineProcess

CHUNK = 65536


class Relay:
    """Whether bytes pass."""

    def __init__(self) -> None:
        self._cut = trio.Event()

    def drop(self) -> None:
        """From now on nothing passes, either way."""
        self._cut.set()

    async def carry(self, target: tuple[str, int], client: trio.SocketStream) -> None:
        """One connection, both ways, until both sides have closed or the relay drops."""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            async with client, await trio.open_tcp_stream(*target) as server, trio.open_nursery() as both:
                both.start_soon(self._pass, client, server)
                both.start_soon(self._pass, server, client)

    async def _pass(self, source: trio.SocketStream, sink: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError):
            async for data in source:
                if self._cut.is_set():
                    await trio.sleep_forever()
                await sink.send_all(data)
            if self._cut.is_set():
                await trio.sleep_forever()
            await sink.send_eof()


@asynccontextmanager
async def open_relays(host: str, node: EngineProcess) -> AsyncIterator[Relay]:
    """`host` with both ports of the node's; all connections end with the block."""
    relay = Relay()
    async with trio.open_nursery() as nursery:
        for address in (node.audiosocket, node.api):
            where, _, port = address.rpartition(":")
            listeners = await trio.open_tcp_listeners(int(port), host=host)
            for listener in listeners:
                listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            await nursery.start(partial(trio.serve_listeners, partial(relay.carry, (where, int(port))), listeners))
        yield relay
        nursery.cancel_scope.cancel("the test is over")
