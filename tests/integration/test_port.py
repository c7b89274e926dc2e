"""What waits on the way to an engine that reads no more: far less than loopback's own megabytes."""

import socket

import pytest

from callengine.media.port import SocketPort, keep_little_on_the_way

pytestmark = pytest.mark.integration

MESSAGE = bytes(323)  # 20 ms
MOST_BYTES = 1_500_000  # loopback's own is 4 MB; BBR may grow its window while this is sent


def test_a_peer_soon_notices_that_nobody_reads() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        keep_little_on_the_way(listener)
        with socket.create_connection(listener.getsockname()) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.setblocking(False)
            port = SocketPort(listener.accept()[0])
            with pytest.raises(BlockingIOError):
                send(peer, MOST_BYTES)
            port.close()


def send(peer: socket.socket, most: int) -> None:
    """Frames that nobody reads. Raises BlockingIOError once they find no room."""
    written = 0
    while written < most:
        written += peer.send(MESSAGE)
