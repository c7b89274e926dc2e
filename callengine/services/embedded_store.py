"""The demo Store as a child process, for an engine that was given no Store of its own."""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE

import trio

from callengine.errors import ServiceError

_START_SECONDS = 30.0  # importing the child's packages takes seconds on a busy machine
_TERMINATE_SECONDS = 3.0
_STOP_SECONDS = 5.0


@asynccontextmanager
async def open_embedded_store(database: Path | None = None, token: str = "") -> AsyncIterator[str]:
    """Run a demo Store on a free loopback port and give its URL (`http://127.0.0.1:PORT/api/v1`).

    Without a `database` path it forgets everything at the end. The child also ends when this process is killed.
    Raises ServiceError when it does not come up.
    """
    command = [sys.executable, "-m", "callengine.services.demo_store", "--port", "0", "--exit-with-parent"]
    command += ["--database", str(database)] if database else []
    environment = {**os.environ, "STORE_API_TOKEN": token}
    process = await trio.lowlevel.open_process(command, stdin=PIPE, stdout=PIPE, env=environment)
    try:
        yield f"http://{await _address(process)}/api/v1"
    finally:
        with trio.move_on_after(_STOP_SECONDS, shield=True):
            await _stop(process)


async def _address(process: trio.Process) -> str:
    assert process.stdout is not None
    line = b""
    with trio.move_on_after(_START_SECONDS):
        while not line.endswith(b"\n"):
            data = await process.stdout.receive_some()
            if not data:
                break
            line += data
    if not line.endswith(b"\n"):
        raise ServiceError("the demo Store did not start; its own message is above, or set STORE_API_URL")
    return str(json.loads(line)["listening"])


async def _stop(process: trio.Process) -> None:
    if process.returncode is None:
        process.terminate()
    with trio.move_on_after(_TERMINATE_SECONDS):
        await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        await pipe.aclose()
