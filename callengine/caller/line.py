"""The TCP connection as Asterisk keeps it: 2 s to connect, one non-blocking write a message, TCP_NODELAY.

A Trio stream would wait where Asterisk gives up (a write that does not fit ends the call), hence the plain socket.
"""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import trio

from callengine.errors import EngineError

CONNECT_SECONDS = 2.0  # MAX_CONNECT_TIMEOUT_MSEC, for each address
_READ_BYTES = 65536


class NotConnectedError(EngineError):
    """No address of the server answered."""


class Line(Protocol):
    """What a phone needs of a connection; simulations bring one of memory."""

    def send_nowait(self, message: bytes) -> None:
        """Send all of it now. Raises BlockingIOError where it does not fit, OSError where the line is gone."""

    async def receive(self) -> bytes:
        """The next bytes, empty at the end. Raises OSError where the line is gone."""


class TcpLine:
    """A connected, non-blocking TCP socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def send_nowait(self, message: bytes) -> None:
        """One write(); half a message written is as bad as none."""
        if self._socket.send(message) < len(message):
            raise BlockingIOError("the server does not read: a message was written in part")

    async def receive(self) -> bytes:
        """What has come, at most 64 KiB."""
        while True:
            await trio.lowlevel.wait_readable(self._socket)
            try:
                return self._socket.recv(_READ_BYTES)
            except BlockingIOError:
                continue


@asynccontextmanager
async def open_line(host: str, port: int) -> AsyncIterator[TcpLine]:
    """A line to the first address of `host` that answers, tried in order. Raises NotConnectedError."""
    connected = await _connect(host, port)
    try:
        yield TcpLine(connected)
    finally:
        connected.close()


async def _connect(host: str, port: int) -> socket.socket:
    problem = "no address"
    try:
        addresses = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NotConnectedError(f"{host}:{port}: {error.strerror or error}") from None
    for family, kind, protocol, _name, address in addresses:
        with trio.socket.socket(family, kind, protocol) as attempt:
            attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with trio.fail_after(CONNECT_SECONDS):
                    await attempt.connect(address)
            except trio.TooSlowError:
                problem = f"no answer in {CONNECT_SECONDS:g} s"
            except OSError as error:
                # Trio's own text repeats the address
                problem = os.strerror(error.errno) if error.errno else str(error)
            else:
                connected = socket.socket(family, kind, protocol, fileno=attempt.detach())
                connected.setblocking(False)
                return connected
    raise NotConnectedError(f"{host}:{port}: {problem}; is the engine running there?")
