"""`callengine serve`: the engine, until it is told to stop."""

import json
import os
import socket
import sys
from functools import partial

import trio

from callengine.app import Addresses, serve_engine
from callengine.config import Settings, load_settings
from callengine.logs import configure_logging
from callengine.slow_steps import SlowSteps


def serve() -> None:
    """Answer calls on AUDIOSOCKET_PORT (9092) until SIGTERM, which drains.

    Settings are environment variables; what is not given is a real part of its own under DATA_DIR (PostgreSQL, Valkey,
    Whisper on the CPU, a demo Store). A wrong setting ends with status 2 and one line that names it. A program that
    reads its output gets one line when calls can come: `{"listening": "host:port", "api": "host:port"}`.
    """
    settings = read_settings()
    configure_logging(settings)
    run = partial(serve_engine, settings, task_status=Announcement())
    trio.run(run, instruments=[SlowSteps()])


class Announcement:
    """Trio's TaskStatus: tells a program that started us where we serve, once we do. People read it in the log."""

    def started(self, value: Addresses | None = None) -> None:
        """The engine serves at `value`."""
        if value is not None and not sys.stdout.isatty():
            print(json.dumps({"listening": value.audiosocket, "api": value.api}), flush=True)  # noqa: T201


def read_settings() -> Settings:
    """Settings from this process's environment; the node's name is the host's where none is given."""
    settings = load_settings(os.environ)
    return settings if settings.node_name else settings.model_copy(update={"node_name": socket.gethostname()})
