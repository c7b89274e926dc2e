"""The database's schema: the numbered SQL files of `migrations/`, applied by yoyo."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import as_file, files

import psycopg
import structlog
import trio
import yoyo
from yoyo.backends import DatabaseBackend, get_backend_class
from yoyo.connections import DatabaseURI

from callengine.errors import AwayError, ServiceError
from callengine.services.database import as_service_error, connection_options

AGAIN_SECONDS = 2.0
LOCK = 0x43414C4C  # "CALL": our number among the database's advisory locks
LOCK_SECONDS = 60

log = structlog.get_logger(__name__)


async def migrate(database_url: str) -> int:
    """Bring the schema up to date, one process at a time; gives the number of steps applied.

    Raises ConfigError (the URL) or ServiceError (the database cannot be reached, or refuses).
    """
    # Whoever does not wait any more leaves the thread to its connection, which ends with the process.
    return await trio.to_thread.run_sync(_apply, database_url, abandon_on_cancel=True)


@asynccontextmanager
async def open_schema(database_url: str) -> AsyncIterator[bool]:
    """The schema, brought up to date; False where the database is away: then as soon as it is back, and what is to be
    written meanwhile waits. Errors as `migrate` of what does not pass by itself."""
    try:
        await migrate(database_url)
    except AwayError as error:
        log.warning("database_away", problem=str(error), until_then="calls are answered, their record waits on disk")
    else:
        yield True
        return
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_migrate_when_back, database_url)
        try:
            yield False
        finally:
            nursery.cancel_scope.cancel("the engine ends")


async def _migrate_when_back(database_url: str) -> None:
    said = ""
    while True:
        await trio.sleep(AGAIN_SECONDS)
        try:
            steps = await migrate(database_url)
        except AwayError:
            continue
        except ServiceError as error:  # a password, a right: the operator's to mend, while calls go on
            if str(error) != said:
                said = str(error)
                log.error("database_refuses", problem=said)
        else:
            log.info("database_migrated", steps=steps)
            return


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
            _say_if_ahead(backend, steps)
            if forward:
                todo = backend.to_apply(steps)
                backend.apply_migrations(todo)
            else:
                todo = backend.to_rollback(steps)
                backend.rollback_migrations(todo)
            return len(todo)
    except psycopg.Error as error:
        raise as_service_error(error, options) from error


def _say_if_ahead(backend: DatabaseBackend, steps: yoyo.migrations.MigrationList) -> None:
    """A newer version was here, as it is while nodes are upgraded one by one. Steps only add, so the older ones go on;
    should one be in the way all the same, the record waits on disk."""
    backend.ensure_internal_schema_updated()
    known = {step.id for step in steps}
    applied = backend.execute("SELECT migration_id FROM schema_migrations ORDER BY migration_id").fetchall()
    unknown = [name for (name,) in applied if name not in known]
    if unknown:
        log.warning("database_ahead", steps=unknown, mend="run the version that made them, or a newer one")


def _lock(backend: DatabaseBackend) -> None:
    """An advisory lock goes with its connection. yoyo's own is a row that a killed process leaves behind, so it is
    cleared once we hold ours."""
    backend.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    backend.execute(f"SELECT pg_advisory_lock({LOCK})")
    backend.init_database()
    backend.break_lock()
