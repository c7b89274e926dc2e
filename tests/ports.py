"""Ports for servers that must be told one: theirs from the first moment to the last, whether they listen or not.

A port that was free a moment ago may be another process's by now, the more so where a server leaves it and comes back.
A socket that is bound and does not listen keeps the kernel from handing its port to anybody who asks for any (bind(2)
with port 0, connect(2)), and lets a server in that asks for this one with SO_REUSEADDR, as servers do (socket(7)).
Until one listens, connections are refused as if nobody had the port."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def held_ports(count: int, host: str = "127.0.0.1") -> Iterator[tuple[int, ...]]:
    """So many ports of an address ("": of all), held until the block ends."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((host, 0))
        yield tuple(int(one.getsockname()[1]) for one in sockets)
