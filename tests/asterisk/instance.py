"""One Asterisk on loopback: docker/asterisk's own files, and around them the test layer (ports, telephones).

Every instance has a slot of ports of its own, held by a file lock for as long as this process lives, so that several
runs of the tests do not meet. The ports lie below those that the kernel hands out.
"""

import fcntl
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import IO

from tests.asterisk.packages import Installation, cache_dir

FRAGMENTS = Path(__file__).parents[2] / "docker" / "asterisk"
LAYER = Path(__file__).parent / "layer"
CONFIG_USER, CONFIG_PASSWORD = "callengine", "change-me"  # docker/asterisk/ari.conf and manager.conf
START_SECONDS = 120  # guards against hanging; nothing is timed by them
END_SECONDS = 60
SLOTS, SLOT_PORTS, FIRST_PORT = 48, 400, 12800


@dataclass(frozen=True, slots=True)
class Ports:
    """The slot: every port is free for this run. `engine` and `api` are of the nodes a and b; `phones` are spare."""

    base: int

    @property
    def sip(self) -> int:
        return self.base

    @property
    def http(self) -> int:
        return self.base + 1

    @property
    def ami(self) -> int:
        return self.base + 2

    @property
    def operator(self) -> int:
        """Where the endpoint `operator` is called (UDP): the test's second telephone listens here."""
        return self.base + 4

    def engine(self, node: str) -> int:
        """AudioSocket's port of node `a` or `b`."""
        return self.base + {"a": 10, "b": 12}[node]

    def api(self, node: str) -> int:
        """The API's port of node `a` or `b`."""
        return self.engine(node) + 1

    @property
    def rtp(self) -> tuple[int, int]:
        """First and last port of Asterisk's media."""
        return self.base + 20, self.base + SLOT_PORTS - 1


def take_slot() -> tuple[Ports, IO[str]]:
    """Ports for one instance; they are ours until the file is closed."""
    folder = cache_dir() / "slots"
    folder.mkdir(parents=True, exist_ok=True)
    for slot in range(SLOTS):
        file = (folder / str(slot)).open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
        else:
            return Ports(FIRST_PORT + slot * SLOT_PORTS), file
    raise RuntimeError(f"all {SLOTS} slots of ports are taken by running tests ({folder})")


@dataclass(slots=True)
class Pbx:
    """An Asterisk with a folder of its own. `start` and `stop` may be called again and again."""

    installation: Installation
    folder: Path
    ports: Ports
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def log_file(self) -> Path:
        """Notices, warnings, errors, the dialplan's steps and DTMF."""
        return self.folder / "log" / "full"

    @property
    def http(self) -> str:
        """Base URL of ARI (/ari), AMI (/rawman) and Prometheus (/metrics)."""
        return f"http://127.0.0.1:{self.ports.http}"

    @property
    def pid(self) -> int:
        """Of the running Asterisk."""
        assert self._process is not None
        return self._process.pid

    def configure(self) -> None:
        """Write the configuration."""
        for name in ("db", "lib/keys", "spool/monitor", "run", "log", "agi"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        write_config(self)

    def start(self) -> None:
        """Start it and wait until it has booted."""
        with (self.folder / "log" / "stdout").open("wb") as out:
            asterisk = self.installation.command("-C", str(self.folder / "etc/asterisk.conf"), "-f", "-n")
            # It ends with the test run, even one that is killed: else it would hold the slot's ports.
            follow = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
            self._process = subprocess.Popen(
                [*follow, *asterisk], stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        until = time.monotonic() + START_SECONDS
        while "fully booted" not in self._try("core waitfullybooted"):
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"Asterisk did not start:\n{self._last_words()}")
            time.sleep(0.05)
        if "Unable to bind" in self.log_file.read_text(errors="replace"):
            self.kill()
            raise RuntimeError(f"another process has a port of {self.ports}:\n{self._last_words()}")

    def stop(self) -> None:
        """End it as `systemctl stop` does; calls that are up are dropped."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def running(self) -> Iterator["Pbx"]:
        """Started, and stopped when the block is left, whether it runs then or not."""
        try:
            self.start()
            yield self
        finally:
            self.stop()

    def rx(self, command: str) -> str:
        """What Asterisk's console answers. Raises CalledProcessError where it is not running."""
        control = self.installation.command("-C", str(self.folder / "etc/asterisk.conf"), "-rx", command)
        return subprocess.run(control, capture_output=True, text=True, timeout=START_SECONDS, check=True).stdout

    def set_globals(self, **values: str) -> None:
        """Change settings of docker/asterisk/settings.conf for the calls to come, until `renew`."""
        for name, value in values.items():
            self.rx(f'dialplan set global {name} "{value}"')

    def renew(self) -> None:
        """Running, no calls, the settings of its files: as it was at the start, whatever a test has done."""
        if self._process is None or self._process.poll() is not None:
            self.start()
        until = time.monotonic() + END_SECONDS
        while not self.rx("core show channels count").startswith("0 active channels"):
            if time.monotonic() > until:
                raise RuntimeError(f"calls are left over:\n{self.rx('core show channels concise')}")
            self.rx("channel request hangup all")  # again: a call may have been on its way
        self.rx("dialplan reload")

    def flush_log(self) -> None:
        """Wait until all that has happened so far is in the log: Asterisk writes it behind, in order."""
        began, mark = self.log_size(), token_hex(8)
        self.set_globals(TESTS_MARK=mark)  # is told in the log, and forgotten by `renew`
        until = time.monotonic() + END_SECONDS
        while mark not in self.log_since(began):
            if time.monotonic() > until:
                raise RuntimeError(f"Asterisk writes no log:\n{self._last_words()}")
            time.sleep(0.01)

    def log_size(self) -> int:
        """Where the log ends now, for `log_since`."""
        return self.log_file.stat().st_size

    def log_since(self, position: int) -> str:
        """What has been logged since."""
        with self.log_file.open("rb") as log:
            log.seek(position)
            return log.read().decode("utf-8", "replace")

    def _try(self, command: str) -> str:
        with suppress(subprocess.CalledProcessError):
            return self.rx(command)
        return ""

    def _last_words(self) -> str:
        files = [self.folder / "log" / "stdout", self.log_file]
        return "\n".join(file.read_text(errors="replace")[-2000:] for file in files if file.exists())


def write_config(pbx: Pbx) -> None:
    """etc/: the layer's files with the slot's ports and folders in them. `@NAME@` is what is put in."""
    etc = pbx.folder / "etc"
    shutil.rmtree(etc, ignore_errors=True)
    etc.mkdir()
    ports = pbx.ports
    values = {
        "FOLDER": pbx.folder,
        "FRAGMENTS": FRAGMENTS,
        "MODULES": pbx.installation.modules,
        "DATA": pbx.installation.data,
        "SIP": ports.sip,
        "HTTP": ports.http,
        "AMI": ports.ami,
        "OPERATOR": ports.operator,
        "RTP_FIRST": ports.rtp[0],
        "RTP_LAST": ports.rtp[1],
        **{f"ENGINE_{node.upper()}": ports.engine(node) for node in "ab"},
        **{f"API_{node.upper()}": ports.api(node) for node in "ab"},
    }
    for template in LAYER.glob("*.conf"):
        text = template.read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        (etc / template.name).write_text(text, encoding="utf-8")
    names = (LAYER / "modules.txt").read_text().split()
    there = [name for name in names if (pbx.installation.modules / f"{name}.so").exists()]
    loads = "".join(f"load = {name}.so\n" for name in there)
    (etc / "modules.conf").write_text(f"[modules]\nautoload = no\n{loads}")
    for name in (LAYER / "empty.txt").read_text().split():
        (etc / name).touch()
