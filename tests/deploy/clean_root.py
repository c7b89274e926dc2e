"""A Dockerfile's steps as a script of chroot's, in a root that nothing else has touched and that is gone afterwards.

There is no Docker engine and no registry at hand, so the first image is not Docker's: it is this machine's own system,
covered by an overlay, with the Python that the image names under /usr/local, or with nothing there. What a step writes
goes to the overlay."""

import os
import re
import shlex
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from tests.deploy.files import ROOT

INSTRUCTION = re.compile(r"^([A-Z]+) (.+)$")
UNNAMED = ""  # the stage of a Dockerfile that has one
NO_ROOT = 77
# $1 an empty folder, $2 the Python or nothing, $3 the repository, $4 a folder on disk for what is too much for memory.
# Its own certificates of authorities are this machine's way to the registries: apt makes the list of all anew.
# As in Docker images of Debian, a package starts and stops nothing (policy-rc.d), and nobody reads man.
MOUNTS = """\
own=/usr/local/share/ca-certificates
mount -t tmpfs tmpfs "$1"
root=$1/all
mkdir "$1/up" "$1/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$root"
mkdir "$1/local" "$1/local-work" "$1/nothing"
mount -t overlay overlay -o "lowerdir=${2:-$1/nothing},upperdir=$1/local,workdir=$1/local-work" "$root/usr/local"
mkdir -p "$root/usr/local/lib" "$root/usr/local/share"
[ ! -d "$own" ] || cp -r "$own" "$root/usr/local/share"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
find "$root/etc/apt/sources.list.d" -type f ! -name debian.sources ! -name ubuntu.sources -delete || :
printf '#!/bin/sh\\nexit 101\\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
rm -f "$root/var/lib/man-db/auto-update"
mkdir "$root/context"
mount --bind "$3" "$root/context"
mkdir -p "$root$3"
mount -t tmpfs tmpfs "$root$3"
for place in opt app; do
    mkdir -p "$4/$place" "$root/$place"
    mount --bind "$4/$place" "$root/$place"
done
cp "$4/build.sh" "$4/run.sh" "$root/"
chroot "$root" ldconfig /usr/local/lib
"""
SCRIPT = f"""\
set -eu
sh -eu "$4/mounts.sh" "$@" || exit {NO_ROOT}
root=$1/all
PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" sh -eu /build.sh >&2
umount "$root/context"
exec unshare --net sh -c 'ip link set lo up && exec chroot "$0" sh -u /run.sh' "$root"
"""
# Of a builder an image takes /opt/venv alone: the sources and uv are gone.
LEAVE_BUILDER = "find /app /opt/uv -mindepth 1 -delete"
Ended = subprocess.CompletedProcess[str]


class NoRootError(Exception):
    """This machine does not let us have one; the text says why."""


@dataclass(slots=True)
class Stage:
    """What the lines of some stages say, one behind the other: each of them is built on the one before."""

    environment: dict[str, str] = field(default_factory=dict)
    script: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    start: list[str] = field(default_factory=list)
    user: str = ""


def python_prefix(version: str) -> Path:
    """Where a Python of this version is installed by itself. Raises NoRootError."""
    shim = shutil.which(f"python{version}")
    places = [Path.home() / ".local/share/uv/python", Path.home() / ".pyenv/versions"]
    if shim is not None:
        places.append(Path(shim).parents[1] / "versions")
    for place in places:
        for found in sorted(place.glob(f"*{version}.*")):
            if (found / "bin/python3").exists():
                return found
    raise NoRootError(f"no Python {version} in a folder of its own")


def need_archive() -> None:
    """Raises NoRootError where apt reaches no archive of this machine's distribution: a step with apt needs one."""
    if shutil.which("apt-get") is None:
        raise NoRootError("this machine has no apt")
    asked = subprocess.run(["apt-get", "--print-uris", "update"], capture_output=True, text=True, check=False)
    found = re.search(r"^'(\S+/(?:debian|ubuntu)/dists/[^/']+/InRelease)'", asked.stdout, re.MULTILINE)
    if not found or not reached(found[1]):
        raise NoRootError(f"apt does not reach {found[1] if found else 'any archive'}")


def reached(url: str) -> bool:
    """Whether somebody answers there and has it; HTTPS_PROXY and NO_PROXY are honoured."""
    try:
        urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=20).close()
    except OSError:
        return False
    return True


def run_image(dockerfile: Path, stages: Sequence[str], folder: Path, run: str, before: str = "") -> Ended:
    """Build the last of `stages` (what both rest on, the builder, the image; or one alone), and run the script `run` in
    it, where $start and $health are what Docker would start and ask, and no network is. The script `before` is run in
    the root before the first step. What lies in `folder`/opt is there under /opt; it is empty afterwards. Raises
    NoRootError."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
        raise NoRootError("only root may mount an overlay and have users of its own in it")
    last = read_stages(dockerfile, (stages[0], stages[-1]) if len(stages) > 1 else stages)
    become = f"setpriv --reuid {last.user} --regid {last.user} --init-groups env -i HOME=/home/{last.user}"
    named = " ".join(f"{name}={shlex.quote(value)}" for name, value in last.environment.items())
    said = {"start": " ".join(last.start), "health": " ".join(last.health), "as_user": f"{become} {named}"}
    scripts = {
        "mounts.sh": MOUNTS,
        "build.sh": before + "\n".join(_build_script(dockerfile, stages)),
        "run.sh": Template(run).substitute(said),
    }
    for name, text in scripts.items():
        (folder / name).write_text(text)
    root = folder / "root"
    root.mkdir()
    version = re.match(r"python:(\d+\.\d+)", _first_image(dockerfile, stages[0]))
    folders = (root, python_prefix(version[1]) if version else "", ROOT, folder)
    start = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", SCRIPT, "sh")
    done = subprocess.run([*start, *folders], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    for place in ("opt", "app"):  # pytest keeps what a test leaves for a while: this is a third of a gigabyte
        shutil.rmtree(folder / place, ignore_errors=True)
    if done.returncode == NO_ROOT or done.stderr.startswith("unshare:"):
        raise NoRootError(done.stderr.strip())
    return done


def _build_script(dockerfile: Path, stages: Sequence[str]) -> Iterator[str]:
    yield from read_stages(dockerfile, stages[:1]).script
    if len(stages) > 1:
        yield from ("(", *read_stages(dockerfile, stages[1:-1]).script, ")", LEAVE_BUILDER)
        yield from read_stages(dockerfile, stages[-1:]).script


def instructions(dockerfile: Path, stage: str) -> Iterator[tuple[str, str]]:
    """The instructions of a stage, each with its continuation lines as one."""
    for line in _stage(dockerfile, stage)["lines"].splitlines():
        if matched := INSTRUCTION.match(line):
            yield matched[1], matched[2]


def _first_image(dockerfile: Path, stage: str) -> str:
    return _stage(dockerfile, stage)["image"]


def _stage(dockerfile: Path, stage: str) -> re.Match[str]:
    text = re.sub(r"\\\n\s*", " ", dockerfile.read_text(encoding="utf-8"))
    name = rf" AS {stage}" if stage != UNNAMED else ""
    pattern = rf"^FROM (?P<image>\S+){name}$(?P<lines>.*?)(?=^FROM |\Z)"
    found = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    assert found, stage
    return found


def read_stages(dockerfile: Path, names: Sequence[str]) -> Stage:
    """Stages as one script to be run inside, with the builder's files in /context. uv may use its cache, for a
    download that was made once serves, and compiles nothing: a minute's work for each sync that shows nothing."""
    whole = Stage()
    for name in names:
        for kind, rest in instructions(dockerfile, name):
            _take(whole, kind, rest)
    return whole


def _take(stage: Stage, kind: str, rest: str) -> None:
    if kind == "RUN":
        whole = re.sub(r" --no-cache(?= |$)", "", rest)
        stage.script.append(f"{{ {whole}; }} || exit")
    elif kind == "WORKDIR":
        stage.script.append(f"mkdir -p {rest} && cd {rest}")
    elif kind == "ENV":
        named = dict(word.split("=", 1) for word in shlex.split(rest))
        path = "/usr/local/bin:/usr/bin:/bin"
        stage.environment |= {name: value.replace("$PATH", path) for name, value in named.items()}
        stage.script.append(f"export {rest.replace('UV_COMPILE_BYTECODE=1', '')}")
    elif kind == "COPY" and not rest.startswith("--from"):
        *sources, target = rest.split()
        copied = " ".join(f"/context/{source}" for source in sources)
        stage.script.append(f"mkdir -p {Path(target).parent} && cp -r {copied} {target}")
    elif kind == "USER":
        stage.user = rest
    elif kind == "HEALTHCHECK":
        stage.health = _words(rest.partition("CMD ")[2])
    elif kind in ("ENTRYPOINT", "CMD"):
        stage.start += _words(rest)


def _words(text: str) -> list[str]:
    return [shlex.quote(word) for word in re.findall(r'"((?:[^"\\]|\\.)*)"', text)]
