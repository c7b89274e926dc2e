"""The PROXY protocol, version 2, without I/O: who is behind a balancer, from what it puts before their first byte.

Source: https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt, sections 2 and 2.2. Version 1, the line of text, is
refused: whoever is told to send a header sends the one that was agreed on, and the receiver must not guess."""

from ipaddress import IPv4Address, IPv6Address

from callengine.errors import RemoteProtocolError

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
HEAD_BYTES = 16  # signature, version and command, family, length of the rest
MAX_BYTES = 536  # section 2: a sender keeps its header within the smallest segment there is
VERSION = 2
LOCAL, PROXY = 0, 1
UNSPECIFIED, TCP_IPV4, TCP_IPV6 = 0x00, 0x11, 0x21
ADDRESS_BYTES = {UNSPECIFIED: 0, TCP_IPV4: 12, TCP_IPV6: 36}  # two addresses and two ports; what follows is not read

Address = IPv4Address | IPv6Address


def rest_bytes(head: bytes) -> int:
    """How many bytes of the header follow its first HEAD_BYTES.

    Raises RemoteProtocolError: these bytes begin no header, one of another version, or one too long to be true."""
    if not head.startswith(SIGNATURE):
        raise RemoteProtocolError("proxy_header", "no PROXY protocol header of version 2: not through the balancer?")
    if head[12] >> 4 != VERSION or head[12] & 0xF not in (LOCAL, PROXY):
        raise RemoteProtocolError("proxy_header", f"a PROXY protocol header of version and command 0x{head[12]:02x}")
    length = int.from_bytes(head[14:HEAD_BYTES], "big")
    if HEAD_BYTES + length > MAX_BYTES:
        raise RemoteProtocolError("proxy_header", f"a PROXY protocol header of {HEAD_BYTES + length} bytes")
    return length


def source_of(head: bytes, rest: bytes) -> Address | None:
    """Who connected to the balancer, from a header of `rest_bytes`; None where it speaks for itself or knows nobody.

    Raises RemoteProtocolError for what is no TCP connection, and for fewer bytes than the family has."""
    if head[12] & 0xF == LOCAL:
        return None
    family = head[13]
    if family not in ADDRESS_BYTES:
        raise RemoteProtocolError("proxy_header", f"a PROXY protocol header of family 0x{family:02x}, which is not TCP")
    if len(rest) < ADDRESS_BYTES[family]:
        raise RemoteProtocolError("proxy_header", f"a PROXY protocol header cut to {len(rest)} bytes of addresses")
    if family == TCP_IPV4:
        return IPv4Address(rest[:4])
    return IPv6Address(rest[:16]) if family == TCP_IPV6 else None
