"""The field's own programs, from Debian, that the deployment's files are shown to."""

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.debian import Closure, NoPackageError, first, loader_of, unpacked

COMPOSE = Closure("compose", ("docker-compose",), r"(lib|docker-compose)")
MONITORING = Closure("monitoring", ("prometheus", "promtool", "prometheus-alertmanager"), r"(lib|zlib|prom)")
REDIS = Closure("redis", ("redis-server", "redis-tools"), r"(lib|redis)")
CADDY = Closure("proxy", ("caddy",), r"(lib|caddy)")
HAPROXY = Closure("balancer", ("haproxy",), r"(lib|zlib|haproxy)")


def command(closure: Closure, program: str, folder: str = "bin") -> list[str]:
    """What starts `program` of a closure's `usr/bin`, or another folder of `usr`. Raises NoPackageError."""
    root: Path = unpacked(closure)
    found = first(root, f"usr/{folder}/{program}", f"usr/libexec/docker/cli-plugins/{program}")
    if found is None:
        raise NoPackageError(f"Debian's {', '.join(closure.packages)} hold no {program}")
    return [*loader_of(root), str(found)]


@contextmanager
def or_skip(what: str) -> Iterator[None]:
    """A test whose program cannot be had is skipped."""
    try:
        yield
    except NoPackageError as error:
        pytest.skip(f"no {what}: {error}")


def command_with_data(closure: Closure, program: str) -> list[str]:
    """As `command`, for a program that looks for its data under /usr/share: a mount of its own shows it the closure's.

    Debian's Alertmanager reads its standard templates there. Needs a kernel that lets users have namespaces."""
    mount = f'mount --bind "{unpacked(closure)}/usr/share" /usr/share && exec "$@"'
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh", *command(closure, program)]


def on_path(folder: Path, programs: Mapping[str, Sequence[str]]) -> str:
    """A PATH on which scripts find these programs by the names they have in their images."""
    folder.mkdir()
    for name, start in programs.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.join(start)} "$@"\n')
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"
