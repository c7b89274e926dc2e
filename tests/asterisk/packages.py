"""An Asterisk to test on, without root: Debian's packages and all their libraries, unpacked once into a cache.

A private apt state with an empty package list lets apt resolve the whole closure, libc included, on the mirror that
this machine's apt uses; the packages are only unpacked, no script of theirs runs, nothing on the machine changes.
Programs run through the closure's own dynamic loader. ASTERISK_ROOT names another installation ("/": this machine's).
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("asterisk", "asterisk-modules", "sip-tester")
SUITES = ("testing", "sid")  # bookworm has no Asterisk
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Libraries and Asterisk; perl, gnupg and the like are in the closure, too, but nothing here runs them.
WANTED = re.compile(r"(lib|zlib|asterisk|sip-tester)")
UNUSED = re.compile(r"(libperl|libsnmp-base|libc-gconv)")
DOWNLOAD_SECONDS = 600  # a guard against a mirror that hangs
APT_CONF = """\
Dir::State "{0}"; Dir::State::lists "{0}/lists"; Dir::State::status "{0}/status";
Dir::Cache "{0}"; Dir::Cache::archives "{0}/archives";
Dir::Etc::sourcelist "{0}/debian.sources"; Dir::Etc::sourceparts "{0}/parts"; Dir::Etc::preferencesparts "{0}/parts";
Acquire::Languages "none"; Acquire::Retries "3"; APT::Install-Recommends "false"; APT::Sandbox::User "root";
"""


class NoAsteriskError(Exception):
    """No Asterisk can be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Installation:
    """An unpacked or installed Asterisk. `loader`: what programs are started with, before their own path."""

    program: Path
    modules: Path
    data: Path
    sipp: Path | None
    loader: tuple[str, ...]

    def command(self, *arguments: str) -> list[str]:
        """Asterisk's own command line."""
        return [*self.loader, str(self.program), *arguments]

    def version(self) -> str:
        """As `asterisk -V` tells it."""
        done = subprocess.run(self.command("-V"), capture_output=True, text=True, check=True)
        return done.stdout.strip()


def cache_dir() -> Path:
    """Where the packages are kept: `$XDG_CACHE_HOME/callengine-tests/asterisk`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "callengine-tests" / "asterisk"


def find_asterisk() -> Installation:
    """ASTERISK_ROOT's installation, else the cache's, downloaded where it is not there. Raises NoAsteriskError."""
    if root := os.environ.get("ASTERISK_ROOT", ""):
        return _installed_in(Path(root))
    cache = cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "lock"):
        if not (cache / "root").exists():
            _unpack_into(cache)
    return _installed_in(cache / "root")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Of all the test runs on this machine one is in the block."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _installed_in(root: Path) -> Installation:
    program = _first(root, "usr/sbin/asterisk", "sbin/asterisk")
    modules = _first(root, "usr/lib/*/asterisk/modules", "usr/lib/asterisk/modules", "lib/asterisk/modules")
    data = _first(root, "usr/share/asterisk", "var/lib/asterisk")
    if not (program and modules and data):
        raise NoAsteriskError(f"{root} (ASTERISK_ROOT) holds no Asterisk: no usr/sbin/asterisk with modules and data")
    loader = _first(root, "usr/lib/*-linux-gnu*/ld-linux*.so.*") if root != Path("/") else None
    through = (str(loader), "--library-path", str(loader.parent)) if loader else ()
    return Installation(program, modules, data, _first(root, "usr/bin/sipp", "bin/sipp"), through)


def _first(root: Path, *patterns: str) -> Path | None:
    return next((path for pattern in patterns for path in sorted(root.glob(pattern))), None)


def _unpack_into(cache: Path) -> None:
    """Leave `cache/root` whole or not at all."""
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise NoAsteriskError(f"{tool} is not here to fetch Debian's Asterisk with; ASTERISK_ROOT=… names another")
    state, fresh = cache / "apt", cache / "root.new"
    for folder in (state, fresh):
        shutil.rmtree(folder, ignore_errors=True)
    _download(state)
    archives = sorted(p for p in state.glob("archives/*.deb") if WANTED.match(p.name) and not UNUSED.match(p.name))
    fresh.mkdir()
    with ThreadPoolExecutor(os.cpu_count()) as unpacking:
        list(unpacking.map(lambda archive: _run("dpkg-deb", "-x", str(archive), str(fresh)), archives))
    fresh.rename(cache / "root")
    shutil.rmtree(state)


def _download(state: Path) -> None:
    for folder in ("lists/partial", "archives/partial", "parts"):
        (state / folder).mkdir(parents=True)
    (state / "status").touch()
    (state / "apt.conf").write_text(APT_CONF.format(state))
    mirror, why = _mirror(), ""
    for suite in SUITES:
        source = f"Types: deb\nURIs: {mirror}\nSuites: {suite}\nComponents: main\nSigned-By: {KEYRING}\n"
        (state / "debian.sources").write_text(source)
        try:
            _run("apt-get", "-qq", "update", apt_config=state / "apt.conf")
            _run("apt-get", "-qq", "-y", "--download-only", "install", *PACKAGES, apt_config=state / "apt.conf")
        except NoAsteriskError as error:
            why = str(error)
        else:
            return
    raise NoAsteriskError(f"Debian's Asterisk cannot be downloaded: {why}")


def _mirror() -> str:
    """The address that this machine's apt uses for Debian."""
    uris = _run("apt-get", "--print-uris", "update")
    found = re.search(r"^'(\S+?)/dists/[^/']+/InRelease'", uris, re.MULTILINE)
    if found is None or not KEYRING.exists():
        raise NoAsteriskError("this machine's apt knows no Debian mirror; ASTERISK_ROOT=… names an installation")
    return found[1]


def _run(*command: str, apt_config: Path | None = None) -> str:
    env = os.environ | ({"APT_CONFIG": str(apt_config)} if apt_config else {})
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NoAsteriskError(f"{command[0]} took over {DOWNLOAD_SECONDS} s") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NoAsteriskError(f"{' '.join(command[:3])}: {last}")
    return done.stdout
