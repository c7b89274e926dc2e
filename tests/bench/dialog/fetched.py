"""Recorded speech and recorded noise from Debian's packages, fetched once into a cache; nothing is installed.

Prompts: `asterisk-core-sounds-ru` (CC-BY-3.0) and `-en` (CC-BY-SA-3.0). Coughs and "hmm" of people, as the voices of
`hedgewars-data` (GFDL-1.3), knocks, steps and doors of `minetest-data` (CC-BY-SA-3.0, CC-BY-3.0). None of it is in the
repository."""

import fcntl
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.asterisk.packages import cache_dir
from tests.fixtures.make_speech import make_all

PACKAGES = (
    "asterisk-core-sounds-ru",
    "asterisk-core-sounds-ru-wav",
    "asterisk-core-sounds-en",
    "asterisk-core-sounds-en-wav",
    "hedgewars-data",
    "minetest-data",
)
WANTED = re.compile(
    r"/usr/share/(doc/|asterisk/sounds/|games/hedgewars/Data/Sounds/voices/[^/]+/(PoisonCough|Hmm)\.ogg"
    r"|games/minetest/games/minetest_game/mods/(default|doors)/sounds/)"
)
DOWNLOAD_SECONDS = 600  # a guard against a mirror that hangs


def fetched_sounds() -> Path:
    """The folder with `prompts/ru`, `prompts/en` (wav and txt) and, under `usr`, the packages' own files."""
    place = cache_dir().parent / "bench-sounds"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "sounds").is_dir():
            _fetch(place)
    return place / "sounds"


def _fetch(place: Path) -> None:
    with tempfile.TemporaryDirectory(dir=place) as folder:
        work, made = Path(folder), Path(folder) / "sounds"
        command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *PACKAGES]
        done = subprocess.run(command, cwd=work, timeout=DOWNLOAD_SECONDS, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(
                f"the sounds cannot be had from Debian's packages (apt-get update?): {done.stderr.strip()}"
            )
        for package in sorted(work.glob("*.deb")):
            _unpack(package, made)
        for language in ("ru", "en"):
            make_all(made, language, made / "prompts" / language)
        made.rename(place / "sounds")


def _unpack(package: Path, folder: Path) -> None:
    """The wanted files of a package."""
    with (
        subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as process,
        tarfile.open(fileobj=process.stdout, mode="r|") as archive,
    ):
        for member in archive:
            if member.isfile() and WANTED.search(member.name):
                archive.extract(member, folder, filter="data")
