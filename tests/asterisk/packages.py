"""An Asterisk to test on, without root: Debian's, or the one that ASTERISK_ROOT names ("/": this machine's)."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests import debian
from tests.debian import Closure, NoPackageError, first, loader_of, unpacked

# Libraries and Asterisk; perl, gnupg and the like are in the closure, too, but nothing here runs them.
ASTERISK = Closure(
    "asterisk",
    ("asterisk", "asterisk-modules", "sip-tester"),
    r"(?!libperl|libsnmp-base|libc-gconv)(lib|zlib|asterisk|sip-tester)",
)


class NoAsteriskError(Exception):
    """No Asterisk can be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Installation:
    """An unpacked or installed Asterisk. `loader`: what its programs are started with, before their own path."""

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
    """Where the packages are kept."""
    return debian.cache_dir(ASTERISK.name)


def find_asterisk() -> Installation:
    """ASTERISK_ROOT's installation, else the cache's, downloaded where it is not there. Raises NoAsteriskError."""
    if root := os.environ.get("ASTERISK_ROOT", ""):
        return _installed_in(Path(root))
    try:
        return _installed_in(unpacked(ASTERISK))
    except NoPackageError as error:
        raise NoAsteriskError(f"{error}; ASTERISK_ROOT=… names an installation") from None


def _installed_in(root: Path) -> Installation:
    program = first(root, "usr/sbin/asterisk", "sbin/asterisk")
    modules = first(root, "usr/lib/*/asterisk/modules", "usr/lib/asterisk/modules", "lib/asterisk/modules")
    data = first(root, "usr/share/asterisk", "var/lib/asterisk")
    if not (program and modules and data):
        raise NoAsteriskError(f"{root} (ASTERISK_ROOT) holds no Asterisk: no usr/sbin/asterisk with modules and data")
    return Installation(program, modules, data, first(root, "usr/bin/sipp", "bin/sipp"), _loader_in(root))


def _loader_in(root: Path) -> tuple[str, ...]:
    """Debian's closure has its own loader; what was built and installed beside the system (`--prefix`, `DESTDIR`) must
    be told where its own libraries are."""
    library = first(root, "usr/lib*/libasteriskssl.so.*", "lib*/libasteriskssl.so.*") if root != Path("/") else None
    return loader_of(root) or (("env", f"LD_LIBRARY_PATH={library.parent}") if library else ())
