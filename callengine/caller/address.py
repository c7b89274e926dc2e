"""HOST:PORT, as a person types it."""

from callengine.errors import ConfigError


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[ipv6]:port`. Raises ConfigError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigError("HOST:PORT", f"{text!r} is not an address; write for instance 127.0.0.1:9092")
    return host.removeprefix("[").removesuffix("]"), int(port)
