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
from callengine.listening import listen, shown_address

# Hypercorn shields its writes without a limit; the kernel gives up on a peer that does not read, so that ours ends too.
STALLED_PEER_MS = 5000
END_SECONDS = 6.0  # for the end of an answer: the kernel has given up by then

log = structlog.get_logger(__name__)


async def serve_api(
    state: ApiState, listener: socket.socket, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED
) -> None:
    """Serve HTTP on a bound socket until cancelled, and close it; reports `host:port` once it accepts.

    Raises ConfigError naming API_PORT where another process has opened it since.
    """
    with listener:
        listen("API", listener)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_PEER_MS)
        address = shown_address(listener)
        config = _quiet_config(listener.detach())
    app = cast(ASGIFramework, _patient(build_api(state)))  # Starlette types the same protocol more loosely
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(serve, app, config, mode="asgi"))
        task_status.started(address)


def _patient(app: ASGIApp) -> ASGIApp:
    """The application, for which a peer that leaves during its answer is no error, and whose answers end whole.

    Where a peer leaves, Hypercorn 0.18 closes the connection in one task (`tcp_server._close`) while another still
    writes to it. Where an answer is over, it first says so to whom waits for the peer's leaving, and then closes; but
    that is where a StreamingResponse of Starlette's cancels itself, and the connection would stay.
    """

    async def serve_one(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_unless_closing(message: Message) -> None:
            ends = message["type"] == "http.response.body" and not message.get("more_body", False)
            try:
                with trio.move_on_after(END_SECONDS if ends else float("inf"), shield=ends):
                    await send(message)
            except trio.BusyResourceError:
                log.debug("peer left during its answer")

        await app(scope, receive, send_unless_closing)

    return serve_one


def _quiet_config(descriptor: int) -> Config:
    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.accesslog = None
    # Its own banner is at info; what goes wrong is at warning and above, and joins our log.
    config.errorlog = logging.getLogger("hypercorn.error")
    config.errorlog.setLevel(logging.WARNING)
    config.include_server_header = False
    config.graceful_timeout = 1.0
    return config
