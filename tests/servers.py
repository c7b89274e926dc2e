"""Real servers as child processes, started once and awaited by their own word that they serve."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CACHE = Path(tempfile.gettempdir()) / f"callengine-tests-{os.getuid()}" / "whisper"


@pytest.fixture(scope="session")
def whisper_address() -> Iterator[str]:
    """`host:port` of a whisper-server with the base model and room for 4 streams."""
    with whisper_server(WHISPER_MAX_STREAMS="4") as address:
        yield address


@contextmanager
def whisper_server(**settings: str) -> Iterator[str]:
    """Run a `whisper-server` with the base model on a free port of loopback; give its `host:port`.

    Settings are WHISPER_… variables. It dies with this process, because it holds its standard input.
    """
    with start_whisper_server(**settings) as process:
        yield listening(process)


def start_whisper_server(**settings: str) -> "subprocess.Popen[str]":
    """Start the server and return at once; `listening` waits for it. Use it with `with`, which also ends it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WHISPER_")}
    environment |= {
        "WHISPER_LISTEN": "127.0.0.1:0",
        "WHISPER_METRICS_PORT": "off",
        "WHISPER_DEVICE": "cpu",
        "WHISPER_MODEL": "base",
        "WHISPER_CACHE": str(CACHE),
        "WHISPER_DRAIN_SECONDS": "1",
        "WHISPER_EXIT_WITH_PARENT": "on",
        **settings,
    }
    command = [sys.executable, "-m", "whisper_server"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def listening(process: "subprocess.Popen[str]") -> str:
    """Wait until the server serves; return its `host:port`."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"whisper-server ended with status {process.wait()} before it served"
    return str(json.loads(line)["listening"])
