"""`callengine serve`: the engine, until it is told to stop."""

import json
import sys
from functools import partial
from typing import TYPE_CHECKING

import trio

from callengine.cli.settings import read_settings
from callengine.logs import configure_logging
from callengine.slow_steps import SlowSteps

if TYPE_CHECKING:
    from callengine.app import Addresses


def serve() -> None:
    """Answer calls on AUDIOSOCKET_PORT (9092) until SIGTERM, which drains.

    Settings are environment variables; what is not given is a real part of its own under DATA_DIR (PostgreSQL, Valkey,
    Whisper on the CPU, a demo Store). A wrong setting ends with status 2 and one line that names it. A program that
    reads its output gets one line when calls can come: `{"listening": "host:port", "api": "host:port"}`.
    """
    settings = read_settings()
    configure_logging(settings)
    # Only now: it takes a second or two, and a wrong setting is told at once.
    from callengine.app import serve_engine

    run = partial(serve_engine, settings, task_status=Announcement())
    trio.run(run, instruments=[SlowSteps()])


class Announcement:
    """Trio's TaskStatus: tells a program that started us where we serve, once we do. People read it in the log."""

    def started(self, value: "Addresses | None" = None) -> None:
        """The engine serves at `value`."""
        if value is not None and not sys.stdout.isatty():
            print(json.dumps({"listening": value.audiosocket, "api": value.api}), flush=True)  # noqa: T201
