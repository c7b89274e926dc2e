"""The API's server: Hypercorn's Trio worker inside the engine's own run, quiet and quick to stop."""

import logging
import socket
from functools import partial
from typing import cast

import structlog
import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from hypercorn.typing import ASGIFramework
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callengine.api.app import build_api
from callengine.api.state import ApiState
from callengine.errors import ConfigError

# Hypercorn shields its writes without a limit; the kernel gives up on a peer that does not read, so that ours ends too.
STALLED_PEER_MS = 5000

log = structlog.get_logger(__name__)


async def serve_api(
    state: ApiState, host: str, port: int, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED
) -> None:
    """Serve HTTP until cancelled; reports `host:port` once it accepts (with port 0, the one it was given).

    Raises ConfigError naming API_HOST or API_PORT before anything is served.
    """
    listeners = await _listen(host, port)
    address = _shown(listeners[0].socket.getsockname())
    config = _quiet_config([listener.socket.detach() for listener in listeners])
    app = cast(ASGIFramework, _patient(build_api(state)))  # Starlette types the same protocol more loosely
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(serve, app, config, mode="asgi"))
        task_status.started(address)


async def _listen(host: str, port: int) -> list[trio.SocketListener]:
    try:
        listeners = await trio.open_tcp_listeners(port, host=host)
    except socket.gaierror as error:
        raise ConfigError("API_HOST", f"cannot listen on {host!r}: {error.strerror}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError("API_PORT", f"cannot listen on {host}:{port}: {reason.lower()}") from None
    for listener in listeners:
        listener.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_PEER_MS)
    return listeners


def _patient(app: ASGIApp) -> ASGIApp:
    """The application, for which a peer that leaves during its answer is no error.

    Hypercorn 0.18 then closes the connection in one task (`tcp_server._close`) while another still writes to it.
    """

    async def serve_one(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_unless_closing(message: Message) -> None:
            try:
                await send(message)
            except trio.BusyResourceError:
                log.debug("peer left during its answer")

        await app(scope, receive, send_unless_closing)

    return serve_one


def _quiet_config(descriptors: list[int]) -> Config:
    config = Config()
    config.bind = [f"fd://{descriptor}" for descriptor in descriptors]
    config.accesslog = None
    # Its own banner is at info; what goes wrong is at warning and above, and joins our log.
    config.errorlog = logging.getLogger("hypercorn.error")
    config.errorlog.setLevel(logging.WARNING)
    config.include_server_header = False
    config.graceful_timeout = 1.0
    return config


def _shown(name: tuple[str, int] | tuple[str, int, int, int]) -> str:
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"
