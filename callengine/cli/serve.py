"""`callengine serve`: the engine, until it is told to stop."""

import os
import socket

import trio

from callengine.app import serve_engine
from callengine.config import Settings, load_settings
from callengine.logs import configure_logging
from callengine.slow_steps import SlowSteps


def serve() -> None:
    """Answer calls on AUDIOSOCKET_PORT (9092) until SIGTERM, which drains.

    Settings are environment variables; what is not given is a real part of its own under DATA_DIR (PostgreSQL, Valkey,
    Whisper on the CPU, a demo Store). A wrong setting ends with status 2 and one line that names it.
    """
    settings = read_settings()
    configure_logging(settings)
    trio.run(serve_engine, settings, instruments=[SlowSteps()])


def read_settings() -> Settings:
    """Settings from this process's environment; the node's name is the host's where none is given."""
    settings = load_settings(os.environ)
    return settings if settings.node_name else settings.model_copy(update={"node_name": socket.gethostname()})
