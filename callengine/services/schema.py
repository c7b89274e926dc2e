"""The database's schema: the numbered SQL files of `migrations/`, applied by yoyo."""

import os
from importlib.resources import as_file, files

import psycopg
import trio
import yoyo
from yoyo.backends import DatabaseBackend, get_backend_class
from yoyo.connections import DatabaseURI

from callengine.services.database import as_service_error, connection_options

LOCK = 0x43414C4C  # "CALL": our number among the database's advisory locks
LOCK_SECONDS = 60


async def migrate(database_url: str) -> int:
    """Bring the schema up to date, one process at a time; gives the number of steps applied.

    Raises ConfigError (the URL) or ServiceError (the database cannot be reached, or refuses).
    """
    return await trio.to_thread.run_sync(_apply, database_url)


async def unmigrate(database_url: str) -> int:
    """Undo every step: the record is gone after this. Errors as `migrate`."""
    return await trio.to_thread.run_sync(_roll_back, database_url)


def _apply(database_url: str) -> int:
    return _change(database_url, forward=True)


def _roll_back(database_url: str) -> int:
    return _change(database_url, forward=False)


def _change(database_url: str, *, forward: bool) -> int:
    options = connection_options(database_url)
    # yoyo notes who ran a step through getpass.getuser(), which fails for a uid without a name (a container's).
    os.environ.setdefault("LOGNAME", "callengine")
    backend_class = get_backend_class("postgresql+psycopg")
    uri = DatabaseURI("postgresql+psycopg", None, None, None, None, options["dbname"], options)
    try:
        with backend_class(uri, "schema_migrations") as backend:
            _lock(backend)
            with as_file(files("callengine.services") / "migrations") as folder:
                steps = yoyo.read_migrations(str(folder))
            if forward:
                todo = backend.to_apply(steps)
                backend.apply_migrations(todo)
            else:
                todo = backend.to_rollback(steps)
                backend.rollback_migrations(todo)
            return len(todo)
    except psycopg.Error as error:
        raise as_service_error(error, options) from error


def _lock(backend: DatabaseBackend) -> None:
    """An advisory lock goes with its connection. yoyo's own is a row that a killed process leaves behind, so it is
    cleared once we hold ours."""
    backend.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    backend.execute(f"SELECT pg_advisory_lock({LOCK})")
    backend.init_database()
    backend.break_lock()
