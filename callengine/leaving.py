"""How a node leaves: it takes no more calls, lets those that are up end, and hands the rest over."""

from socket import socket

import structlog
import trio

from callengine.api.shared_events import SharedEvents
from callengine.elsewhere import is_alone
from callengine.engine import Engine
from callengine.media.server import CallServer, serve_calls

log = structlog.get_logger(__name__)


async def serve_until_drained(engine: Engine, listener: socket, drain: trio.Event, events: SharedEvents) -> None:
    """Answer calls until told to drain; then DRAIN_SECONDS for those that are up. Whoever is on the line still goes to
    another node, or is told goodbye where none lives."""
    server, seconds = call_server(engine), engine.settings.drain_seconds
    up = trio.CancelScope()
    async with trio.open_nursery() as beside:
        with up:
            async with trio.open_nursery() as calls:
                async with trio.open_nursery() as accepting:
                    accepting.start_soon(serve_calls, listener, server, calls)
                    await drain.wait()
                    engine.admission.draining = True
                    events.drain()
                    accepting.cancel_scope.cancel("draining")
                log.info("draining", calls=engine.admission.up, seconds=seconds)
                beside.start_soon(_hand_over, engine, up)
        beside.cancel_scope.cancel("no call is up")
    log.info("drained")


def call_server(engine: Engine) -> CallServer:
    """What an engine's port for calls is served by."""
    settings = engine.settings
    return CallServer(
        engine.clock,
        engine.admission,
        settings.allowed_peers,
        settings.no_media_seconds,
        engine.answer,
        engine.turn_away,
        settings.audiosocket_proxy_protocol,
    )


async def _hand_over(engine: Engine, up: trio.CancelScope) -> None:
    await trio.sleep(engine.settings.drain_seconds)
    engine.alone = await is_alone(engine)
    log.info("handing_over", calls=engine.admission.up, alone=engine.alone)
    up.cancel("the time to drain is over")
