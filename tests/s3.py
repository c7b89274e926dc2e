"""A stand-in for S3: moto's server in a process of its own, as recordings and backups see it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from xml.etree import ElementTree

import httpx
import obstore
import pytest
from obstore.store import S3Store

BUCKET = "callengine"
_SERVER = """
import logging, sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


@dataclass(frozen=True, slots=True)
class S3:
    """`endpoint` as http://host:port; the bucket is there and empty."""

    endpoint: str

    @property
    def settings(self) -> dict[str, str]:
        """The engine's, for recordings."""
        return {
            "RECORDING_S3_URL": f"s3://{BUCKET}/calls",
            "RECORDING_S3_ENDPOINT": self.endpoint,
            "RECORDING_S3_ACCESS_KEY": "key",
            "RECORDING_S3_SECRET_KEY": "secret",
        }

    def keys(self) -> list[str]:
        """The objects that are there."""
        found = ElementTree.fromstring(httpx.get(f"{self.endpoint}/{BUCKET}", timeout=60).content)
        return sorted(key.text or "" for key in found.iter("{http://s3.amazonaws.com/doc/2006-03-01/}Key"))

    def read(self, key: str) -> bytes:
        """An object."""
        keys = {"access_key_id": "key", "secret_access_key": "secret", "region": "us-east-1"}
        store = S3Store(BUCKET, config={"endpoint": self.endpoint, **keys}, client_options={"allow_http": True})  # type: ignore[arg-type]
        return bytes(obstore.get(store, key).bytes())


@contextmanager
def running_s3() -> Iterator[S3]:
    """A server of its own, with the bucket."""
    with subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            endpoint = f"http://127.0.0.1:{int(process.stdout.readline())}"
            httpx.put(f"{endpoint}/{BUCKET}", timeout=60).raise_for_status()
            yield S3(endpoint)
        finally:
            process.kill()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    """One for the session."""
    with running_s3() as server:
        yield server


@pytest.fixture
def s3(s3_server: S3) -> S3:
    """The session's, emptied."""
    httpx.post(f"{s3_server.endpoint}/moto-api/reset", timeout=60).raise_for_status()
    httpx.put(f"{s3_server.endpoint}/{BUCKET}", timeout=60).raise_for_status()
    return s3_server
