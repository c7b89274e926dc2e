"""PROXY protocol headers, version 2, as a balancer writes them."""

import struct
from ipaddress import IPv4Address, IPv6Address

from callengine.media.proxy_protocol import SIGNATURE


def header(source: IPv4Address | IPv6Address, more: bytes = b"", ports: tuple[int, int] = (40000, 9092)) -> bytes:
    """A connection from `source` to loopback; `more` stands for what a balancer may add (TLVs)."""
    target = IPv4Address("127.0.0.1") if source.version == 4 else IPv6Address("::1")
    family = 0x11 if source.version == 4 else 0x21
    rest = source.packed + target.packed + struct.pack(">HH", *ports) + more
    return SIGNATURE + bytes((0x21, family)) + struct.pack(">H", len(rest)) + rest
