"""Serve the demo Store: `python -m callengine.services.demo_store --port 0`."""

import argparse
import json
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, cast

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from starlette.types import ASGIApp

from callengine.services.demo_store.app import at_base_path, build_app
from callengine.services.demo_store.database import open_database
from callengine.services.demo_store.document import document_yaml
from callengine.services.demo_store.faults import KINDS, FaultyStore, close_at_once, read_fault

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework

_MOSCOW = timedelta(hours=3)  # no summer time since 2014, and no time-zone data needed
_IDLE_SECONDS = 75.0  # longer than a client's pool keeps a connection, so it is never the server that closes first


def main() -> int:
    """Run the command line. Exit status 2: the database or the address cannot be used."""
    options = _parser().parse_args()
    if options.document:
        sys.stdout.write(document_yaml(build_app(open_database(":memory:", shop_today()), shop_today).openapi()))
        return 0
    try:
        fault = read_fault(options.fault, options.fault_on, options.fault_times) if options.fault else None
    except ValueError as error:
        return _refuse(f"--fault: {error}")
    try:
        database = open_database(options.database, shop_today())
    except sqlite3.Error as error:
        return _refuse(f"--database: cannot open {options.database!r}: {error}; give a writable path")
    try:
        listener = socket.create_server((options.host, options.port))
    except OSError as error:
        return _refuse(f"--port: cannot listen on {options.host}:{options.port}: {error.strerror}; choose another")
    token = os.environ.get("STORE_API_TOKEN", "")
    app: ASGIApp = at_base_path(build_app(database, shop_today, token, honours_keys=not options.no_idempotency))
    if fault is not None:
        app = FaultyStore(app, fault)
    trio.run(_serve_nobody if fault is not None and fault.kind == "down" else _run, app, listener)
    database.close()
    return 0


def shop_today() -> date:
    """The date in the shop."""
    return (datetime.now(UTC) + _MOSCOW).date()


async def _run(app: ASGIApp, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]  # the server owns and closes it from here on
    config.keep_alive_timeout = _IDLE_SECONDS
    config.graceful_timeout = 1.0
    config.loglevel = "WARNING"
    # The two libraries spell ASGI's types differently.
    asgi = cast("ASGIFramework", app)
    stop = trio.Event()
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as signs:
            signs.start_soon(_stop_on_signal, signals, stop)
            async with trio.open_nursery() as serving:
                await serving.start(partial(serve, asgi, config, shutdown_trigger=stop.wait))
                _announce(host, port)
            signs.cancel_scope.cancel("the server has ended")


async def _serve_nobody(_app: ASGIApp, listener: socket.socket) -> None:
    """A Store that is down: its port is there, and whoever connects is let go of."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        listening = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
        async with trio.open_nursery() as serving:
            await serving.start(trio.serve_listeners, close_at_once, [listening])
            _announce(*listener.getsockname()[:2])
            await anext(signals)
            serving.cancel_scope.cancel("told to stop")


def _announce(host: str, port: int) -> None:
    sys.stdout.write(json.dumps({"listening": f"{host}:{port}"}) + "\n")
    sys.stdout.flush()


async def _stop_on_signal(signals: AsyncIterator[int], stop: trio.Event) -> None:
    await anext(signals)
    stop.set()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m callengine.services.demo_store",
        description="A demo Store over HTTP. STORE_API_TOKEN, where set, is asked of every request as a bearer token.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=3000, choices=range(65536), metavar="PORT", help="0: any free port")
    parser.add_argument("--database", default=":memory:", metavar="PATH", help="SQLite file, made if missing")
    parser.add_argument("--no-idempotency", action="store_true", help="for tests: do not look at Idempotency-Key")
    parser.add_argument("--fault", default="", metavar="KIND[=VALUE]", help=f"for tests: {KINDS}")
    parser.add_argument("--fault-on", default="", metavar="METHOD", help="spoil only these requests, for instance POST")
    parser.add_argument("--fault-times", type=int, metavar="N", help="spoil only the first N of them")
    parser.add_argument("--document", action="store_true", help="print the OpenAPI document and stop")
    return parser


def _refuse(problem: str) -> int:
    sys.stderr.write(f"demo store: {problem}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
