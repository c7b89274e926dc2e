"""How the media clock reaches a wire: two calls that never wait. A socket here, memory in simulations."""

import socket
from typing import Protocol

SEND_BUFFER_BYTES = 4096  # a handful of frames: what waits there cannot be taken back for a barge-in
USER_TIMEOUT_MS = 10_000
RECEIVE_BUFFER_BYTES = 65536  # four seconds of 8 kHz; the kernel takes twice as much
SEGMENT_BYTES = 1460  # Ethernet's; a frame of 8 or 16 kHz is one segment


class WirePort(Protocol):
    """A connection to one peer."""

    def recv_nowait(self, buffer: memoryview) -> int:
        """Bytes put into `buffer`; 0 at the peer's end of stream, -1 when nothing is there now. Raises OSError."""
        ...

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        """Bytes taken of `data`, possibly none. Raises OSError."""
        ...

    def close(self) -> None:
        """Let the connection go. Never raises, may be called twice."""
        ...


def keep_little_on_the_way(listener: socket.socket) -> None:
    """Bound what a peer may send to an engine that reads no more; call it before connections come.

    Left to itself Linux gives a receiver up to tcp_rmem, and a sender room for a number of segments, which on loopback
    have 64 KiB: 4 MB of audio waited in Asterisk for a stopped engine, four minutes. So it is 200 KB, or 12 s
    of 8 kHz until a write fails; more where the sender's congestion control is BBR, whose window grows unused (tcp(7);
    tcp_sndbuf_expand in the kernel's net/ipv4/tcp_input.c)."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    if hasattr(socket, "TCP_MAXSEG"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)


class SocketPort:
    """A connected, non-blocking TCP socket."""

    __slots__ = ("_recv_into", "_send", "_socket")

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # a dead host: nothing it was sent is acknowledged
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        self._socket = sock
        self._recv_into = sock.recv_into
        self._send = sock.send

    def recv_nowait(self, buffer: memoryview) -> int:
        try:
            return self._recv_into(buffer)
        except BlockingIOError:
            return -1

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        try:
            return self._send(data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        self._socket.close()
