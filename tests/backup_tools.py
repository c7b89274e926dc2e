"""What backups are made with, for tests: rclone and age from Debian, and a server that answers as S3 does."""

import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from callengine.cli.main import main
from tests.debian import Closure, loader_of, unpacked

TOOLS = Closure("backup-tools", ("rclone", "age"), r"(lib|rclone|age)")
BUCKET = "shop-backups"
REGION = "eu-central-1"
FOLDER = f"s3://{BUCKET}/callengine"


@dataclass(frozen=True)
class Keys:
    """A pair of age's keys: the public one, and the file of the private one."""

    public: str
    identity: Path


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Shop:
    """A machine with the tools, the shop's public key, and a bucket. `run` needs its variables in this process's
    environment, where they are for a test's time."""

    keys: Keys
    endpoint: str
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str, **environment: str) -> Ended:
        """`callengine WORDS`, with these variables besides."""
        with self.monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["callengine", *words])
            for name, value in environment.items():
                patch.setenv(name, value)
            self.capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
            said = self.capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    def objects(self) -> Mapping[str, bytes]:
        """All that is in the bucket, as another client sees it."""
        return {found.key: found.get()["Body"].read() for found in bucket_at(self.endpoint).objects.all()}

    def put(self, name: str, data: bytes) -> None:
        """Write an object."""
        bucket_at(self.endpoint).put_object(Key=name, Body=data)


def bucket_at(endpoint: str) -> Any:
    """The shop's bucket, through Amazon's own client."""
    who = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": REGION}
    return boto3.resource("s3", endpoint_url=endpoint, **who).Bucket(BUCKET)


def install_tools(folder: Path) -> None:
    """Make `folder` one for PATH, with the programs in it. Raises NoPackageError."""
    root = unpacked(TOOLS)
    for name in ("rclone", "age", "age-keygen"):
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec {shlex.join([*loader_of(root), str(root / "usr/bin" / name)])} "$@"\n')
        program.chmod(0o755)


def make_keys(tools: Path, identity: Path) -> Keys:
    """A new pair of keys; the private one goes to the file `identity`."""
    done = subprocess.run([tools / "age-keygen", "-o", identity], check=True, capture_output=True, text=True)
    return Keys(done.stderr.rpartition("Public key: ")[2].strip(), identity)
