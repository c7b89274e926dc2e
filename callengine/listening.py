"""A port of ours: taken when the engine starts, so that a wrong setting is told first; opened when it serves."""

import errno
import socket

from callengine.errors import ConfigError

BACKLOG = 1024


def bound_socket(setting: str, host: str, port: int) -> socket.socket:
    """A bound socket that nobody can reach before `listen`; IPv4 where a name has both.

    Raises ConfigError naming `{setting}_HOST` or `{setting}_PORT`.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise ConfigError(f"{setting}_HOST", f"{host!r} is no address of this machine: {error.strerror}") from None
    family, kind, proto, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    listener = socket.socket(family, kind, proto)
    listener.setblocking(False)
    try:
        # Else the ports of ended calls (TIME_WAIT) would keep a new engine out for a minute.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _cannot_listen(setting, (host, port), error) from None
    return listener


def listen(setting: str, listener: socket.socket) -> None:
    """Let connections come. Raises ConfigError: with SO_REUSEADDR another engine may have been first since."""
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        raise _cannot_listen(setting, listener.getsockname(), error) from None


def shown_address(listener: socket.socket) -> str:
    """`host:port` of a bound socket, an IPv6 host in brackets."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _cannot_listen(setting: str, address: tuple[object, ...], error: OSError) -> ConfigError:
    variable = f"{setting}_HOST" if error.errno == errno.EADDRNOTAVAIL else f"{setting}_PORT"
    taken = " (another engine?)" if error.errno == errno.EADDRINUSE else ""
    return ConfigError(variable, f"cannot listen on {address[0]}:{address[1]}: {error.strerror}{taken}")
