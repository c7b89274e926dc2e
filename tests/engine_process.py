"""`callengine serve` in a process of its own, as it is run: on free ports, with quick backends unless told."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from callengine.config import Settings

QUICK = {"STT_BACKEND": "scripted", "TTS_BACKEND": "scripted", "DIALOG_BACKEND": "scripted"}
END_SECONDS = 180  # a guard against hanging; nothing is timed by it

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EngineProcess:
    """A running engine; addresses are `host:port`."""

    process: "subprocess.Popen[str]"
    log_file: Path
    audiosocket: str
    api: str

    @property
    def port(self) -> int:
        """AudioSocket's port, on loopback."""
        return int(self.audiosocket.rpartition(":")[2])

    @property
    def database_url(self) -> str:
        """Of the embedded PostgreSQL, as the log tells it."""
        return next(str(line["url"]) for line in self.log() if line.get("part") == "PostgreSQL" and "url" in line)

    def log(self) -> list[Line]:
        """Every event so far; each line must be JSON."""
        lines = self.log_file.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def family(self) -> list[psutil.Process]:
        """Every process that the engine has started, and those that they have."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def status(self) -> int:
        """Wait for its end; its exit status."""
        return self.process.wait(END_SECONDS)


def engine_environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """This process's environment without settings of an engine, and with those given."""
    ours = {name.upper() for name in Settings.model_fields}
    inherited = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in ours}
    free = {"AUDIOSOCKET_HOST": "127.0.0.1", "AUDIOSOCKET_PORT": "0", "API_PORT": "0", "DATA_DIR": str(data_dir)}
    return inherited | free | QUICK | settings


@contextmanager
def running_engine(data_dir: Path, **settings: str) -> Iterator[EngineProcess]:
    """An engine that serves. Where the test leaves it running it is told to end, and must do so with status 0."""
    data_dir.mkdir(exist_ok=True)
    log_file = data_dir.parent / f"{data_dir.name}-{len(list(data_dir.parent.glob('*.log')))}.log"
    env = engine_environment(data_dir, **settings)
    with (
        log_file.open("w") as stderr,
        subprocess.Popen(serve_command(), env=env, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first, log_file.read_text()
            ready = json.loads(first)
            yield EngineProcess(process, log_file, ready["listening"], ready["api"])
            if process.poll() is None:
                process.terminate()
                assert process.wait(END_SECONDS) == 0, log_file.read_text()
        finally:
            process.kill()


def serve_command() -> list[str]:
    """The command line of `callengine serve`."""
    return [sys.executable, "-m", "callengine", "serve"]


def failed_start(data_dir: Path, *become: str, **settings: str) -> tuple[int, str, str]:
    """Run an engine that must not start: its exit status, stdout, and what it says beside the JSON lines of the log."""
    env = engine_environment(data_dir, **settings)
    command = [*become, *serve_command()]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=END_SECONDS, check=False, cwd="/")
    said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    return done.returncode, done.stdout, "\n".join(said)
