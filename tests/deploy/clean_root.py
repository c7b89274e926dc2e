"""A Dockerfile's steps as a script of chroot's, in a root that nothing else has touched and that is gone afterwards.

There is no Docker engine and no registry at hand, so the first image is not Docker's: it is this machine's own system,
covered by an overlay, with the Python that the image names under /usr/local. What a step writes goes to the overlay."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from tests.deploy.files import ROOT

INSTRUCTION = re.compile(r"^([A-Z]+) (.+)$")
NO_ROOT = 77
# $1 an empty folder, $2 the Python, $3 the repository, $4 a folder on disk with what would not fit into memory.
MOUNTS = """\
mount -t tmpfs tmpfs "$1"
root=$1/all
mkdir "$1/up" "$1/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$root"
mount --bind "$2" "$root/usr/local"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
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
find "$root/app" "$root/opt/uv" -mindepth 1 -delete
exec unshare --net sh -c 'ip link set lo up && exec chroot "$0" sh -u /run.sh' "$root"
"""
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


def run_image(dockerfile: Path, stages: tuple[str, str, str], folder: Path, run: str) -> Ended:
    """Build the last of `stages` (what both rest on, the builder, the image), and run the script `run` in it, where
    $start and $health are what Docker would start and ask, and no network is. Raises NoRootError."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
        raise NoRootError("only root may mount an overlay and have users of its own in it")
    base, builder, image = stages
    last = read_stages(dockerfile, (base, image))
    become = f"setpriv --reuid {last.user} --regid {last.user} --init-groups env -i"
    named = " ".join(f"{name}={shlex.quote(value)}" for name, value in last.environment.items())
    said = {"start": " ".join(last.start), "health": " ".join(last.health), "as_user": f"{become} {named}"}
    scripts = {
        "mounts.sh": MOUNTS,
        "build.sh": "\n".join(read_stages(dockerfile, (base, builder)).script),
        "run.sh": Template(run).substitute(said),
    }
    root, disk = folder / "root", folder / "disk"
    for place in (root, disk):
        place.mkdir()
    for name, text in scripts.items():
        (disk / name).write_text(text)
    folders = (root, python_prefix("3.12"), ROOT, disk)
    start = ("unshare", "--mount", "--fork", "sh", "-c", SCRIPT, "sh")
    done = subprocess.run([*start, *folders], capture_output=True, text=True, check=False)
    shutil.rmtree(disk)  # pytest keeps what a test leaves for a while: this is a third of a gigabyte
    if done.returncode == NO_ROOT or done.stderr.startswith("unshare:"):
        raise NoRootError(done.stderr.strip())
    return done


def instructions(dockerfile: Path, stage: str) -> Iterator[tuple[str, str]]:
    """The instructions of a stage, each with its continuation lines as one."""
    text = re.sub(r"\\\n\s*", " ", dockerfile.read_text(encoding="utf-8"))
    found = re.search(rf"^FROM \S+ AS {stage}$(.*?)(?=^FROM |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, stage
    for line in found[1].splitlines():
        if matched := INSTRUCTION.match(line):
            yield matched[1], matched[2]


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
        stage.script.append(re.sub(r" --no-cache(?= |$)", "", rest))
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
