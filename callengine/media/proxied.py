"""A connection that comes through a balancer: its PROXY protocol header is read before anything else.

Only its own bytes are taken from the socket: what follows is AudioSocket, and the clock's."""

import socket

import trio

from callengine.errors import RemoteProtocolError
from callengine.media.proxy_protocol import HEAD_BYTES, rest_bytes, source_of

HEADER_SECONDS = 1.0  # a balancer sends it with its connection, in the first segment


async def read_source(sock: socket.socket, balancer: str) -> str:
    """The address behind a connection from `balancer`, which is its own where it speaks for itself.

    Raises RemoteProtocolError where no header of version 2 came, whole and within HEADER_SECONDS; OSError."""
    sock.setblocking(False)
    with trio.move_on_after(HEADER_SECONDS):
        head = await _exactly(sock, HEAD_BYTES)
        source = source_of(head, await _exactly(sock, rest_bytes(head)))
        return balancer if source is None else str(source)
    raise RemoteProtocolError("proxy_header", f"no whole PROXY protocol header within {HEADER_SECONDS:.0f} s")


async def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        await trio.lowlevel.wait_readable(sock)
        try:
            more = sock.recv(count - len(data))
        except BlockingIOError:
            continue
        if not more:
            raise RemoteProtocolError("proxy_header", "closed within its PROXY protocol header")
        data += more
    return data
