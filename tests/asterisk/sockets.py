"""A phone's two UDP sockets on loopback. The kernel stamps what comes in: a busy test makes nothing late."""

import socket
import struct
import time
from contextlib import closing

import trio

from tests.asterisk import rtp
from tests.asterisk.heard import Timed

SO_TIMESTAMPNS = 35  # <asm-generic/socket.h>, the same number as its control message; Python does not name it
_TIMESPEC = struct.Struct("@qq")
_CONTROL_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)
_DATAGRAM_BYTES = 16384  # Asterisk makes one packet of what it is given, up to 8096 samples
_BUFFER_BYTES = 1 << 20


class RtpSocket:
    """Audio: never waits, neither to send nor to receive."""

    def __init__(self, host: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._socket.bind((host, 0))
        self.port: int = self._socket.getsockname()[1]

    def send(self, packet: rtp.Packet, address: tuple[str, int]) -> None:
        """Send one packet. Raises OSError."""
        self._socket.sendto(packet.encode(), address)

    def receive(self) -> list[Timed]:
        """Every packet that has come since the last time, each with the moment at which the kernel had it."""
        packets: list[Timed] = []
        offset = trio.current_time() - time.time()  # of Trio's clock to the kernel's
        while True:
            try:
                datagram, control, _, _ = self._socket.recvmsg(_DATAGRAM_BYTES, _CONTROL_BYTES)
            except BlockingIOError:
                return packets
            if (packet := rtp.decode(datagram)) is not None:
                seconds, nanoseconds = _TIMESPEC.unpack_from(control[0][2])
                packets.append(Timed(seconds + nanoseconds / 1e9 + offset, packet))

    def close(self) -> None:
        """Let the port go."""
        self._socket.close()


def open_rtp_socket(host: str) -> closing[RtpSocket]:
    """A free port, for as long as the block."""
    return closing(RtpSocket(host))


async def open_sip_socket(host: str, port: int) -> trio.socket.SocketType:
    """The socket of SIP; `port` 0 takes a free one. Raises OSError where it is taken."""
    sip = trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM)
    try:
        await sip.bind((host, port))
    except BaseException:
        sip.close()
        raise
    return sip
