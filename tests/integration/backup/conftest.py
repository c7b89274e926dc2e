"""A shop that makes backups: real rclone, age, pg_dump and pg_restore, and a stand-in for S3."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from callengine.backup.database import database_name
from callengine.config import Settings
from tests.backup_tools import FOLDER, REGION, Keys, Shop, bucket_at, install_tools, make_keys
from tests.deploy.programs import or_skip
from tests.filled_database import fill
from tests.state_servers import made_database


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs."""
    folder = tmp_path_factory.mktemp("tools")
    with or_skip("rclone and age"):
        install_tools(folder)
    return folder


@pytest.fixture(scope="session")
def keys(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """The shop's keys."""
    return make_keys(tools, tmp_path_factory.mktemp("keys") / "key.txt")


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The stand-in for S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def filled_template_url(postgres_url: str) -> Iterator[str]:
    """A database with three calls in it, which a test does not write to."""
    with made_database(postgres_url, template="callengine") as url:
        fill(url, 3)
        yield url


@pytest.fixture
def filled_url(postgres_url: str, filled_template_url: str) -> Iterator[str]:
    """A copy of that for the test."""
    with made_database(postgres_url, template=database_name(filled_template_url)) as url:
        yield url


@pytest.fixture
def shop(
    s3_endpoint: str,
    tools: Path,
    keys: Keys,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Iterator[Shop]:
    """The service `backup` as Compose starts it, and an empty bucket; a test names the database."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    environment = {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "EMBEDDED": "off",
        "DATA_DIR": str(tmp_path / "data"),
        "BACKUP_TO": FOLDER,
        "BACKUP_RECIPIENT": keys.public,
        "BACKUP_KEEP_DAYS": "",
        "BACKUP_IDENTITY": "",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "RCLONE_S3_ENDPOINT": s3_endpoint,
        "RCLONE_S3_REGION": REGION,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    bucket = bucket_at(s3_endpoint)
    bucket.create(CreateBucketConfiguration={"LocationConstraint": REGION})
    yield Shop(keys, s3_endpoint, monkeypatch, capsys)
    bucket.objects.all().delete()
    bucket.delete()
