"""Our own parts in place of servers nobody named: the demo Store and whisper-server, as children on loopback."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from callengine.errors import ConfigError
from callengine.services.children import Child, open_child, python_child
from callengine.services.embedded import claimed_folder
from callengine.services.kept_child import open_kept_child

MODEL_SECONDS = 120.0  # the first start joins the model's parts; a cold disk is slow
START_SECONDS = 60.0  # on a machine that is busy with other things, too
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "XDG_CACHE_HOME", "LD_LIBRARY_PATH")
# Of whisper-server's settings, those for a server that others reach; ours is on loopback, and only we do.
NOT_OURS = ("WHISPER_URL", "WHISPER_CA", "WHISPER_LISTEN", "WHISPER_TOKEN", "WHISPER_TLS_", "WHISPER_METRICS_PORT")


@asynccontextmanager
async def open_demo_store(data_dir: Path, token: str) -> AsyncIterator[str]:
    """The demo Store on `data_dir/store.sqlite`; gives the URL of its API. Raises ConfigError, ServiceError."""
    env = {**passed_on(os.environ), "STORE_API_TOKEN": token}
    with claimed_folder(data_dir):
        async with open_kept_child(partial(_start_store, env, data_dir / "store.sqlite")) as address:
            yield f"http://{address}/api/v1"


@asynccontextmanager
async def open_whisper() -> AsyncIterator[str]:
    """A whisper-server on the CPU; gives its WHISPER_URL. Raises ConfigError, ServiceError."""
    if find_spec("faster_whisper") is None:
        problem = "is not set, and the `whisper` extra is not installed here (pip install 'callengine[whisper]')"
        raise ConfigError("WHISPER_URL", problem)
    env = passed_on(os.environ) | whisper_settings(os.environ) | {"WHISPER_METRICS_PORT": "off"}
    async with open_kept_child(partial(_start_whisper, env)) as address:
        yield f"grpc://{address}"


def passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """What a child may know of our environment: where things are, none of our secrets."""
    return {name: environ[name] for name in PASSED_ON if name in environ}


def whisper_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings in our environment that are for our own whisper-server (its model, its cache, …)."""
    return {
        name: value for name, value in environ.items() if name.startswith("WHISPER_") and not name.startswith(NOT_OURS)
    }


def _start_store(env: Mapping[str, str], database: Path, address: str) -> AbstractAsyncContextManager[Child]:
    port = address.rpartition(":")[2]
    command = python_child("callengine.services.demo_store", "--port", port, "--database", str(database))
    return open_child(command, env, "the demo Store", START_SECONDS)


def _start_whisper(env: Mapping[str, str], address: str) -> AbstractAsyncContextManager[Child]:
    command = python_child("whisper_server.main")
    return open_child(command, {**env, "WHISPER_LISTEN": address}, "whisper-server", MODEL_SECONDS)
