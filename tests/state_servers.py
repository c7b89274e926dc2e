"""Real PostgreSQL and Valkey for tests, started once: a fresh database and an empty Valkey for each test."""

import queue
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
import redis
import trio

from callengine.services import event_log, nodes, redis_writes, registry, speech_store
from callengine.services.embedded_postgres import open_postgres
from callengine.services.embedded_valkey import open_valkey
from callengine.services.schema import migrate
from tests.valkey_cluster import empty_cluster, open_cluster

# Fixtures of real servers by what a test's id calls them.
FIXTURES = {"valkey": "redis_url", "cluster": "redis_cluster_url"}
SERVERS = [pytest.param(server, marks=pytest.mark.integration) for server in FIXTURES]
PATIENCE_SECONDS = 60.0  # a guard against hanging; nothing is timed by it

OpenServer = Callable[[Path], AbstractAsyncContextManager[str]]


@contextmanager
def running(open_server: OpenServer, data_dir: Path) -> Iterator[str]:
    """A server kept up by a Trio run in a thread, so that tests with runs of their own can share it."""
    told: queue.SimpleQueue[tuple[trio.lowlevel.TrioToken, trio.Event, str] | Exception] = queue.SimpleQueue()

    async def hold() -> None:
        over = trio.Event()
        async with open_server(data_dir) as url:
            told.put((trio.lowlevel.current_trio_token(), over, url))
            await over.wait()

    def run() -> None:
        try:
            trio.run(hold)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
            told.put(error)

    thread = threading.Thread(target=run, name=f"holds {open_server.__name__}")
    thread.start()
    answer = told.get()
    if isinstance(answer, Exception):
        raise answer
    token, over, url = answer
    try:
        yield url
    finally:
        token.run_sync_soon(over.set)
        thread.join()


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder with room for a socket's name: from a longer one a server has a new address at each start."""
    with tempfile.TemporaryDirectory(prefix="ce-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One PostgreSQL for the session; its database `callengine` has the schema and is a template only."""
    with running(open_postgres, tmp_path_factory.mktemp("postgres")) as url:
        trio.run(migrate, url)
        yield url


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """A database without a schema."""
    with made_database(postgres_url, template="template1") as url:
        yield url


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """A database with the schema and nothing in it."""
    with made_database(postgres_url, template="callengine") as url:
        yield url


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Valkey for the session."""
    with running(open_valkey, tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def patient() -> Iterator[None]:
    """Whoever asks a Redis of tests waits for its answer: on a busy machine it comes later than a call would wait, and
    what is done without one has tests of its own."""
    limits = {
        event_log: ("ANSWER_SECONDS",),
        nodes: ("ANSWER_SECONDS", "LONGEST_SECONDS"),
        redis_writes: ("ANSWER_SECONDS",),
        registry: ("ANSWER_SECONDS", "CLAIM_SECONDS", "PUT_SECONDS"),
        speech_store: ("GET_SECONDS", "PUT_SECONDS"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for module, names in limits.items():
            for name in names:
                patch.setattr(module, name, PATIENCE_SECONDS)
        yield


@pytest.fixture
def redis_url(valkey_url: str, patient: None) -> str:
    """The session's Valkey, emptied."""
    with redis.from_url(valkey_url) as client:
        client.flushall()
    return valkey_url


@pytest.fixture(scope="session")
def valkey_cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Cluster of three nodes for the session."""
    with running(open_cluster, tmp_path_factory.mktemp("cluster")) as url:
        yield url


@pytest.fixture
def redis_cluster_url(valkey_cluster_url: str, patient: None) -> str:
    """The session's Cluster, emptied."""
    empty_cluster(valkey_cluster_url)
    return valkey_cluster_url


@contextmanager
def made_database(postgres_url: str, *, template: str) -> Iterator[str]:
    """A copy of the database `template`, to which nobody may be connected; it goes with the block."""
    name = f"test_{secrets.token_hex(4)}"
    admin = postgres_url.replace("/callengine?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield postgres_url.replace("/callengine?", f"/{name}?")
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
