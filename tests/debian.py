"""Debian's packages for tests, without root: with all their libraries, unpacked once into a cache.

A private apt state with an empty package list lets apt resolve the whole closure, libc included, on the mirror that
this machine's apt uses; the packages are only unpacked, no script of theirs runs, nothing on the machine changes.
Programs run through the closure's own dynamic loader.
"""

import fcntl
import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SUITES = ("testing", "sid")  # bookworm has no Asterisk, and old servers
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DOWNLOAD_SECONDS = 600  # a guard against a mirror that hangs
TRIES = 3  # a mirror that is just being renewed names files that it has no more, or not yet
APT_CONF = """\
Dir::State "{0}"; Dir::State::lists "{0}/lists"; Dir::State::status "{0}/status";
Dir::Cache "{0}"; Dir::Cache::archives "{0}/archives";
Dir::Etc::sourcelist "{0}/debian.sources"; Dir::Etc::sourceparts "{0}/parts"; Dir::Etc::preferencesparts "{0}/parts";
Acquire::Languages "none"; Acquire::Retries "3"; APT::Install-Recommends "false"; APT::Sandbox::User "root";
"""


class NoPackageError(Exception):
    """Debian's packages cannot be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Closure:
    """What is wanted of Debian. `kept`: the packages of the closure whose names begin so are unpacked."""

    name: str
    packages: tuple[str, ...]
    kept: str


def cache_dir(name: str) -> Path:
    """Where a closure is kept: `$XDG_CACHE_HOME/callengine-tests/NAME`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "callengine-tests" / name


def unpacked(closure: Closure) -> Path:
    """The folder that stands for `/`, downloaded where it is not there yet. Raises NoPackageError."""
    found = _asked_once(closure)
    if isinstance(found, str):
        raise NoPackageError(found)
    return found


@functools.cache
def _asked_once(closure: Closure) -> Path | str:
    """The folder, or why there is none: a mirror that is away keeps one test waiting, not each."""
    cache = cache_dir(closure.name)
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "lock"):
        try:
            if not (cache / "root").exists():
                _unpack_into(cache, closure)
        except NoPackageError as error:
            return str(error)
    return cache / "root"


def loader_of(root: Path) -> tuple[str, ...]:
    """What programs under `root` are started with, before their own path; nothing for `/`."""
    found = first(root, "usr/lib/*-linux-gnu*/ld-linux*.so.*") if root != Path("/") else None
    return (str(found), "--library-path", str(found.parent)) if found else ()


def first(root: Path, *patterns: str) -> Path | None:
    """The first file or folder under `root` that one of the patterns finds."""
    return next((path for pattern in patterns for path in sorted(root.glob(pattern))), None)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Of all the test runs on this machine one is in the block."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _unpack_into(cache: Path, closure: Closure) -> None:
    """Leave `cache/root` whole or not at all."""
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise NoPackageError(f"{tool} is not here to fetch Debian's packages with")
    state, fresh = cache / "apt", cache / "root.new"
    for folder in (state, fresh):
        shutil.rmtree(folder, ignore_errors=True)
    _download(state, closure.packages)
    archives = sorted(path for path in state.glob("archives/*.deb") if re.match(closure.kept, path.name))
    fresh.mkdir()
    with ThreadPoolExecutor(os.cpu_count()) as unpacking:
        list(unpacking.map(lambda archive: _run("dpkg-deb", "-x", str(archive), str(fresh)), archives))
    fresh.rename(cache / "root")
    shutil.rmtree(state)


def _download(state: Path, packages: Sequence[str]) -> None:
    for folder in ("lists/partial", "archives/partial", "parts"):
        (state / folder).mkdir(parents=True)
    (state / "status").touch()
    (state / "apt.conf").write_text(APT_CONF.format(state))
    mirror, why = _mirror(), ""
    for suite in TRIES * SUITES:
        source = f"Types: deb\nURIs: {mirror}\nSuites: {suite}\nComponents: main\nSigned-By: {KEYRING}\n"
        (state / "debian.sources").write_text(source)
        try:
            _run("apt-get", "-qq", "update", apt_config=state / "apt.conf")
            _run("apt-get", "-qq", "-y", "--download-only", "install", *packages, apt_config=state / "apt.conf")
        except NoPackageError as error:
            why = str(error)
        else:
            return
    raise NoPackageError(f"Debian's {packages[0]} cannot be downloaded: {why}")


def _mirror() -> str:
    """The address that this machine's apt uses for Debian."""
    uris = _run("apt-get", "--print-uris", "update")
    found = re.search(r"^'(\S+?)/dists/[^/']+/InRelease'", uris, re.MULTILINE)
    if found is None or not KEYRING.exists():
        raise NoPackageError("this machine's apt knows no Debian mirror")
    return found[1]


def _run(*command: str, apt_config: Path | None = None) -> str:
    env = os.environ | ({"APT_CONFIG": str(apt_config)} if apt_config else {})
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NoPackageError(f"{command[0]} took over {DOWNLOAD_SECONDS} s") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NoPackageError(f"{' '.join(command[:3])}: {last}")
    return done.stdout
