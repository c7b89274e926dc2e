"""Ports for servers that cannot be told to take port 0 and say which it was.

They lie below those that the kernel gives to port 0 and to connections, so that between this and the server's own bind
nobody gets one by chance; two processes that ask at once take theirs at random from some twenty thousand."""

import random
import socket
from contextlib import suppress

LOWEST, HIGHEST = 10_000, 32_000  # Linux gives 32768 to 60999 by itself: ip(7), ip_local_port_range


def free_ports(count: int) -> list[int]:
    """So many ports of loopback that nobody listens at."""
    found: list[int] = []
    chance = random.SystemRandom()
    while len(found) < count:
        port = chance.randint(LOWEST, HIGHEST)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            if port not in found:
                found.append(port)
    return found
