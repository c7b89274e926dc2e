"""The service that takes a backup each day, as Compose starts it: the first at once, and Prometheus is told."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callengine.backup.copies import taken_at
from tests.backup_tools import Shop
from tests.filled_database import fill

pytestmark = pytest.mark.integration


@contextmanager
def service(url: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The running service; gives the lines of its log as they come."""
    at = datetime.now(UTC) + timedelta(hours=12)  # not while the test runs
    words = (sys.executable, "-m", "callengine", "backup", "--daily", f"{at:%H:%M}", "--metrics-port", "0")
    env = {**os.environ, "DATABASE_URL": url, "LOG_FORMAT": "json"}
    with subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            yield (json.loads(line) for line in process.stderr)
        finally:
            process.terminate()


def asked(port: int) -> dict[str, float]:
    """What Prometheus finds there."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        lines = [line.split() for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines if not name.endswith("_created")}


def test_the_first_is_made_at_once_and_a_restart_knows_of_it(shop: Shop, database_url: str) -> None:
    fill(database_url, 2)
    with service(database_url) as log:
        begun = next(line for line in log if line["event"] == "backups_daily")
        taken = next(line for line in log if line["event"] == "backup_taken")
        shown = asked(begun["metrics_port"])
    assert shown["callengine_backup_last_success_timestamp_seconds"] == taken_at(taken["backup"]).timestamp()
    assert shown["callengine_backup_size_bytes"] == taken["size"] > 0
    assert shown["callengine_backup_failures_total"] == 0
    assert len(shop.objects()) == 2
    with service(database_url) as log:
        begun = next(line for line in log if line["event"] == "backups_daily")
        again = asked(begun["metrics_port"])
    assert again == shown
    assert len(shop.objects()) == 2


def test_a_backup_that_fails_is_told_and_counted(shop: Shop, database_url: str) -> None:
    shop.monkeypatch.setenv("BACKUP_TO", "s3://another-bucket/x")
    with service(database_url) as log:
        begun = next(line for line in log if line["event"] == "backups_daily")
        failed = next(line for line in log if line["event"] == "backup_failed")
        shown = asked(begun["metrics_port"])
    assert failed["problem"].startswith("rclone: ")
    assert "\n" not in failed["problem"]
    assert shown["callengine_backup_failures_total"] == 1


@pytest.mark.parametrize("at", ["3", "25:00", "half past three"])
def test_a_time_that_is_none(shop: Shop, database_url: str, at: str) -> None:
    ended = shop.run("backup", "--daily", at, DATABASE_URL=database_url)
    assert (ended.status, len(ended.stderr.splitlines())) == (2, 1)
    assert "--daily: must be a time (UTC) such as 03:30" in ended.stderr
