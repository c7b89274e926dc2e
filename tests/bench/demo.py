"""The demo's call on this machine's processor: end of speech → first speech frame, turn by turn."""

import json
import os
import sys
import tempfile
from typing import Any

import trio


async def measure(language: str) -> dict[str, Any]:
    """The last line of `callengine demo --json`: its report. A failed demo is an error."""
    with tempfile.TemporaryDirectory(prefix="callengine-bench-") as folder:
        command = [sys.executable, "-m", "callengine", "demo", "--language", language, "--json"]
        done = await trio.run_process(command, capture_stdout=True, env=_environment(folder))
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def _environment(folder: str) -> dict[str, str]:
    return {**os.environ, "DATA_DIR": folder}
