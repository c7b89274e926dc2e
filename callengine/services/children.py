"""Child processes of ours: started, waited for, listened to, and never left behind.

A child prints one line `{"listening": "host:port"}` on stdout when it serves, and may say more in it; its stderr lines
join our log, or go to whoever asked for them.
"""

import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from subprocess import PIPE

import structlog
import trio

from callengine.errors import ServiceError

GRACE_SECONDS = 5.0
KILLED_SECONDS = 5.0
LAST_WORDS_SECONDS = 1.0
MAX_LINE_BYTES = 2000

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Child:
    """A child and what it `said` when it served; `last_line` is the last of its stderr, `hear` gets them all."""

    process: trio.Process
    what: str
    hear: Callable[[str], None] | None = None
    said: Mapping[str, object] = field(default_factory=dict)
    last_line: str = ""
    silent: trio.Event = field(default_factory=trio.Event)  # stderr is at its end

    @property
    def address(self) -> str:
        """Where it serves, as `host:port`."""
        return str(self.said.get("listening", ""))

    async def wait(self) -> str:
        """Wait until the child is dead; one line that says how it went."""
        code = await self.process.wait()
        # Its reason is still on the way through stderr (which a grandchild may hold open, hence the bound).
        with trio.move_on_after(LAST_WORDS_SECONDS):
            await self.silent.wait()
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
        return f"{self.what} {how}{self.last_words}"

    @property
    def last_words(self) -> str:
        """The last line of stderr, as the tail of a sentence."""
        return f": {self.last_line}" if self.last_line else ""


def python_child(module: str, *arguments: str) -> list[str]:
    """The command line for a module of our own environment that ends when we do, even if we are killed."""
    return [sys.executable, "-m", "callengine.services.follow_parent", module, *arguments]


@asynccontextmanager
async def open_child(
    argv: Sequence[str],
    env: Mapping[str, str],
    what: str,
    timeout_seconds: float,
    hear: Callable[[str], None] | None = None,
) -> AsyncIterator[Child]:
    """Start a child, wait until it listens, and end it when the block is left: SIGTERM, then SIGKILL.

    `env` is its whole environment; `what` names it to people ("the demo Store"); `hear` gets its stderr lines, else our
    log does. A child that dies later disturbs nothing here: `Child.wait` tells. Raises ServiceError when it cannot be
    started, ends or says nothing in time.
    """
    process = await _start(argv, env, what)
    child = Child(process, what, hear)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_forward_stderr, child)
            # Raised outside, so that it does not leave the nursery as a group.
            failure = await _failure_to_listen(child, timeout_seconds)
            if failure is None:
                nursery.start_soon(_discard, process.stdout)
                yield child
            await _end(process)
            nursery.cancel_scope.cancel()
    finally:
        with trio.move_on_after(GRACE_SECONDS + KILLED_SECONDS + 1, shield=True):
            await _end(process)
            await _close_pipes(process)
    if failure is not None:
        raise failure


async def _start(argv: Sequence[str], env: Mapping[str, str], what: str) -> trio.Process:
    # A session of its own: Ctrl-C in a terminal is for us to act on, and calls that drain still need the child.
    try:
        return await trio.lowlevel.open_process(
            list(argv), stdin=PIPE, stdout=PIPE, stderr=PIPE, env=dict(env), start_new_session=True
        )
    except OSError as error:
        raise ServiceError(f"{what} cannot be started: {error}") from None


async def _failure_to_listen(child: Child, timeout_seconds: float) -> ServiceError | None:
    """Wait for what the child says when it listens; what is wrong where it does not come."""
    try:
        with trio.fail_after(timeout_seconds):
            child.said = await _first_word(child)
    except trio.TooSlowError:
        return ServiceError(f"{child.what} did not listen within {timeout_seconds:g} s{child.last_words}")
    except ServiceError as error:
        return error
    return None


async def _first_word(child: Child) -> Mapping[str, object]:
    """What the child says when it listens. Raises ServiceError when it ends without saying so."""
    said: dict[str, object] = {}

    def take(line: bytes) -> bool:
        said.update(_announcement(line))
        return bool(said)

    if await _each_line(child.process.stdout, take):
        return said
    # A child that closed stdout and lives on runs into the caller's deadline here.
    raise ServiceError(await child.wait())


def _announcement(line: bytes) -> dict[str, object]:
    """The object in a line that is `{"listening": "host:port", ...}`; empty for any other line."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) and said.get("listening") else {}


async def _forward_stderr(child: Child) -> None:
    def forward(line: bytes) -> bool:
        if text := line.decode("utf-8", "replace").strip():
            child.last_line = text
            if child.hear is not None:
                child.hear(text)
            else:
                log.info("child says", child=child.what, line=text)
        return False

    await _each_line(child.process.stderr, forward)
    child.silent.set()


async def _each_line(stream: trio.abc.ReceiveStream | None, take: Callable[[bytes], bool]) -> bool:
    """Give every line to `take` until it has had enough, and say whether it had; False at the end of the stream.

    A line over MAX_LINE_BYTES is given in pieces: a child cannot fill our memory.
    """
    assert stream is not None
    pending = b""
    while chunk := await stream.receive_some(MAX_LINE_BYTES):
        *lines, pending = (pending + chunk).split(b"\n")
        if len(pending) > MAX_LINE_BYTES:
            lines, pending = [*lines, pending], b""
        for line in lines:
            if take(line):
                return True
    return take(pending)


async def _discard(stream: trio.abc.ReceiveStream | None) -> None:
    """Read what nobody asked for, so that the child never waits on a full pipe."""
    await _each_line(stream, lambda _line: False)


async def _end(process: trio.Process) -> None:
    """SIGTERM, then SIGKILL; returns when the child is dead. Does nothing to one that is."""
    process.terminate()
    with trio.move_on_after(GRACE_SECONDS, shield=True):
        await process.wait()
        return
    process.kill()
    with trio.move_on_after(KILLED_SECONDS, shield=True):
        await process.wait()


async def _close_pipes(process: trio.Process) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        assert pipe is not None
        await trio.aclose_forcefully(pipe)
