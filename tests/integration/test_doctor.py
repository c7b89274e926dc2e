"""`callengine doctor` as it is run: before an engine, beside one, and where something is wrong."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engine_process import END_SECONDS, engine_environment, running_engine

pytestmark = pytest.mark.integration

NOBODY_THERE = "127.0.0.1:1"
SLOW = re.compile(r"; over \S+ m?s (is slow|delays every greeting)$")


def doctor(folder: Path, *options: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "callengine", "doctor", *options]
    env = engine_environment(folder / "data", **settings)
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=END_SECONDS, check=False)


def findings(folder: Path, *options: str, **settings: str) -> tuple[int, dict[str, Any]]:
    """The exit status, and the findings by check (the worst of each), but for how fast this machine was just then."""
    done = doctor(folder, "--json", *options, **settings)
    shown = json.loads(done.stdout)
    assert (done.returncode == 1) == (shown["verdict"] == "fail"), done.stderr
    fair = [finding for finding in shown["findings"] if not SLOW.search(finding["says"])]
    by_worst = sorted(fair, key=lambda finding: ["ok", "note", "warn", "fail"].index(finding["verdict"]))
    return done.returncode, {finding["check"]: finding for finding in by_worst}


def only(*parts: str) -> list[str]:
    """Every part but those that judge this machine, which has other work while tests run."""
    return [word for part in parts for word in ("--only", part)]


SERVICES = only("settings", "database", "redis", "recogniser", "voice", "dialog", "store", "asterisk", "ports")


@contextmanager
def taken_port() -> Iterator[int]:
    """A port that something has which is no engine: it accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_before_the_first_start(tmp_path: Path) -> None:
    done = doctor(tmp_path, *SERVICES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok    database: DATABASE_URL is not set: the engine starts a part of its own\n" in done.stdout
    assert "warn  asterisk ARI: ASTERISK_ARI_URL is not given" in done.stdout
    assert "note  recogniser: STT_FALLBACK is not set" in done.stdout
    assert not (tmp_path / "data").exists(), "it starts nothing"


def test_the_machine_has_a_line_for_each(tmp_path: Path) -> None:
    _, found = findings(tmp_path, *only("clock", "disk", "network"))
    assert set(found) == {"clock", "clock timer", "disk", "network"}
    assert "99 % were at most" in found["clock timer"]["says"]
    assert not (tmp_path / "data").exists(), "it makes nothing"


def test_beside_an_engine(tmp_path: Path, database_url: str, redis_url: str) -> None:
    with running_engine(tmp_path / "data") as engine:
        status, found = findings(
            tmp_path,
            *SERVICES,
            DATABASE_URL=database_url,
            REDIS_URL=redis_url,
            AUDIOSOCKET_PORT=str(engine.port),
            API_PORT=engine.api.rpartition(":")[2],
        )
    assert status == 0
    assert {name: finding["verdict"] for name, finding in found.items() if name != "asterisk ARI"} == {
        "settings": "warn",  # servers of one's own, and EMBEDDED=on
        "database": "note",  # pgvector
        "database schema": "ok",
        "redis": "ok",
        "recogniser": "note",  # no fallback
        "voice": "ok",
        "dialog": "ok",
        "store": "ok",
        "ports": "ok",
    }


def test_everything_away(tmp_path: Path) -> None:
    with taken_port() as port:
        status, found = findings(
            tmp_path,
            *only("database", "redis", "store", "recogniser", "ports", "asterisk"),
            DATABASE_URL=f"postgresql://shop:s3cret@{NOBODY_THERE}/calls",
            REDIS_URL=f"redis://:s3cret@{NOBODY_THERE}/0",
            STORE_API_URL=f"http://{NOBODY_THERE}/api/v1",
            STT_BACKEND="whisper",
            WHISPER_URL=f"grpc://{NOBODY_THERE}",
            API_PORT=str(port),
            ASTERISK_ARI_URL=f"http://{NOBODY_THERE}",
            ASTERISK_ARI_USER="callengine",
            ASTERISK_ARI_PASSWORD="s3cret",
        )
    assert status == 1
    verdicts = {name: finding["verdict"] for name, finding in found.items()}
    assert verdicts == dict.fromkeys(verdicts, "fail") | {"asterisk AMI": "warn", "asterisk to engine": "warn"}
    for name, variable in (("database", "DATABASE_URL"), ("redis", "REDIS_URL"), ("store", "STORE_API_URL")):
        assert variable in found[name]["says"]
    assert "WHISPER_URL" in found["recogniser"]["mend"]
    assert "ASTERISK_ARI_URL" in found["asterisk ARI"]["mend"]
    assert "s3cret" not in json.dumps(found)


def test_embedded_off_without_a_url(tmp_path: Path) -> None:
    status, found = findings(tmp_path, *only("redis"), EMBEDDED="off")
    assert status == 1
    assert list(found) == ["redis"]
    assert found["redis"]["says"] == "REDIS_URL is not set, and EMBEDDED=off allows no part of our own"


def test_a_part_there_is_not(tmp_path: Path) -> None:
    done = doctor(tmp_path, "--only", "postgres")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("callengine: --only: there is no part 'postgres'; the parts are settings, database, ")


def test_a_setting_that_cannot_be_read(tmp_path: Path) -> None:
    done = doctor(tmp_path, MAX_CALLS="x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("callengine: MAX_CALLS: ")


def test_the_help_teaches() -> None:
    command = [sys.executable, "-m", "callengine", "doctor", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"COLUMNS": "100"})
    for word in ("ASTERISK_ARI_URL", "ASTERISK_AMI_USER", "--only", "network", "Exit status: 0"):
        assert word in shown.stdout
