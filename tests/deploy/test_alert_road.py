"""From Asterisk's death to the message in Telegram: Prometheus and Alertmanager as shipped, and a stand-in."""

import http.server
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
import yaml

from tests.deploy.files import ROOT
from tests.deploy.programs import MONITORING, command, command_with_data, or_skip
from tests.deploy.telegram import Telegram, telegram
from tests.ports import held_ports

GUARD_SECONDS = 120.0
TOKEN = "12345:a-bot-s-token"
pytestmark = pytest.mark.integration


@contextmanager
def running(*arguments: str, log: Path, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A program in the background, its output in `log`."""
    with log.open("w") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT, env=os.environ | environment)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(GUARD_SECONDS)


class Exchange(http.server.ThreadingHTTPServer):
    """What answers a scrape as res_prometheus does, until it dies."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Metrics)
        self.scraped = Event()


class Metrics(http.server.BaseHTTPRequestHandler):
    """GET /metrics."""

    def do_GET(self) -> None:
        body = b"asterisk_calls_count 0\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        assert isinstance(self.server, Exchange)
        self.server.scraped.set()

    def log_message(self, *_: object) -> None:
        """Nothing: pytest's output is no access log."""


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with Exchange() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def prometheus_files(folder: Path, asterisk_port: int, alertmanager_port: int) -> Path:
    """The shipped configuration with addresses of this test's."""
    shutil.copytree(ROOT / "docker/prometheus", folder)
    config = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))
    config["scrape_configs"] = [job for job in config["scrape_configs"] if job["job_name"] == "asterisk"]
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{asterisk_port}"]
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{alertmanager_port}"]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    return folder / "prometheus.yml"


def alertmanager_path(folder: Path, program: list[str]) -> str:
    """A PATH on which the program is called as in its image."""
    folder.mkdir()
    (folder / "alertmanager").write_text(f'#!/bin/sh\nexec {shlex.join(program)} "$@"\n')
    (folder / "alertmanager").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@contextmanager
def monitoring(tmp_path: Path, chat: Telegram, asterisk_port: int) -> Iterator[None]:
    with or_skip("Prometheus"):
        prometheus = command(MONITORING, "prometheus")
        alertmanager = command_with_data(MONITORING, "prometheus-alertmanager")
    (tmp_path / "token").write_text(TOKEN)
    with held_ports(2) as (port, page):
        config = prometheus_files(tmp_path / "prometheus", asterisk_port, port)
        with (
            running(
                "sh", str(ROOT / "docker/alertmanager/start.sh"), f"--web.listen-address=127.0.0.1:{port}",
                log=tmp_path / "alertmanager.log", PATH=alertmanager_path(tmp_path / "bin", alertmanager),
                TMPDIR=str(tmp_path), ALERTMANAGER_DATA=str(tmp_path / "data"), TELEGRAM_API_URL=chat.url,
                TELEGRAM_TOKEN_FILE=str(tmp_path / "token"), TELEGRAM_CHAT_ID="-1001234567890",
            ),
            running(
                *prometheus, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{page}", log=tmp_path / "prometheus.log",
            ),
        ):  # fmt: skip
            yield


def test_asterisk_s_death_reaches_telegram(
    tmp_path: Path, exchange: Exchange, record_property: Callable[[str, object], None]
) -> None:
    with telegram() as chat, monitoring(tmp_path, chat, exchange.server_port):
        assert exchange.scraped.wait(GUARD_SECONDS)
        exchange.shutdown()
        exchange.server_close()
        died = time.monotonic()
        message = chat.messages.get(timeout=GUARD_SECONDS)
        record_property("figure", f"{time.monotonic() - died:8.3f} s  Asterisk's death to the message in Telegram")
    assert message["chat_id"] == "-1001234567890"
    assert message["path"] == f"/bot{TOKEN}/sendMessage"
    assert "AsteriskDown" in message["text"]
    assert "nobody can call" in message["text"]


def test_without_a_token_it_runs_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/alertmanager").write_text("#!/bin/sh\n")
    (tmp_path / "bin/alertmanager").chmod(0o755)
    done = started(tmp_path, TELEGRAM_CHAT_ID="1")
    assert done.returncode == 0
    assert "no alert will reach Telegram" in done.stderr
    assert "receiver: nobody" in (tmp_path / "alertmanager.yml").read_text()


def test_a_chat_that_is_no_number_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    done = started(tmp_path, TELEGRAM_CHAT_ID="@shop", TELEGRAM_TOKEN_FILE=str(tmp_path / "token"))
    assert done.returncode == 2
    assert "TELEGRAM_CHAT_ID: a number is wanted" in done.stderr


def started(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "TMPDIR": str(folder)} | environment
    script = str(ROOT / "docker/alertmanager/start.sh")
    return subprocess.run(["sh", script], env=env, capture_output=True, text=True, check=False)
