"""The database's schema: the numbered SQL files of `migrations/`, applied by yoyo."""

import os
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from importlib.resources import as_file, files

import psycopg
import structlog
import trio
import yoyo
from yoyo.backends import DatabaseBackend, get_backend_class
from yoyo.connections import DatabaseURI

from callengine.errors import AwayError, ConfigError, ServiceError
from callengine.services.database import as_service_error, connection_options

TABLE = "schema_migrations"
SELECT_STEPS = f"SELECT migration_id FROM {TABLE} ORDER BY migration_id"  # noqa: S608 - a name of ours
AGAIN_SECONDS = 2.0
LOCK = 0x43414C4C  # "CALL": our number among the database's advisory locks
LOCK_SECONDS = 60
NOTHING = ""  # before the first step

log = structlog.get_logger(__name__)


class AheadError(ConfigError):
    """A newer version has migrated the database. Steps only add: a node that is started again while the others are
    upgraded may go on, and should a step be in the way all the same, the record waits on disk."""


async def migrate(database_url: str) -> int:
    """Bring the schema up to date, one process at a time; gives the number of steps applied.

    Raises ConfigError (the URL), AheadError, AwayError (it cannot be reached now) or ServiceError (it refuses).
    """
    return len(await migrate_to(database_url, known_steps()[-1]))


@asynccontextmanager
async def open_schema(database_url: str) -> AsyncIterator[bool]:
    """The schema, brought up to date; False where the database is away: then as soon as it is back, and what is to be
    written meanwhile waits. Errors as `migrate` of what does not pass by itself; a database ahead is only told."""
    try:
        await _migrate_or_go_on(database_url)
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


async def _migrate_or_go_on(database_url: str) -> int:
    try:
        return await migrate(database_url)
    except AheadError as error:
        log.warning("database_ahead", problem=str(error))
        return 0


async def _migrate_when_back(database_url: str) -> None:
    said = ""
    while True:
        await trio.sleep(AGAIN_SECONDS)
        try:
            steps = await _migrate_or_go_on(database_url)
        except AwayError:
            continue
        except ServiceError as error:  # a password, a right: the operator's to mend, while calls go on
            if str(error) != said:
                said = str(error)
                log.error("database_refuses", problem=said)
        else:
            log.info("database_migrated", steps=steps)
            return


async def migrate_to(database_url: str, step: str, *, down: bool = False) -> tuple[str, ...]:
    """Bring the schema to `step`; gives the steps applied, or those undone. What a step added goes with all that is in
    it when it is undone, so that is done only where `down` says so. Errors as `migrate`."""
    # Whoever does not wait any more leaves the thread to its connection, which ends with the process.
    return await trio.to_thread.run_sync(partial(_change, database_url, step, down=down), abandon_on_cancel=True)


def known_steps() -> tuple[str, ...]:
    """The steps that this version has, in their order."""
    names = [file.name for file in (files("callengine.services") / "migrations").iterdir()]
    return tuple(sorted(name[:-4] for name in names if name.endswith(".sql") and not name.endswith(".rollback.sql")))


def newer_steps(applied: Collection[str]) -> tuple[str, ...]:
    """Those that a newer version has applied, in their order."""
    return tuple(sorted(set(applied) - set(known_steps())))


def check_known(applied: Collection[str], where: str, variable: str = "DATABASE_URL") -> None:
    """Raise AheadError, naming `variable`, where a newer version has migrated what is at `where`."""
    if newer := newer_steps(applied):
        last = known_steps()[-1]
        problem = (
            f"{where} was migrated by a newer version: it has step {newer[0]}, this version ends with {last}; "
            f"start the newer version, or have it go back: callengine migrate --to {last} --down"
        )
        raise AheadError(variable, problem)


def _change(database_url: str, step: str, *, down: bool) -> tuple[str, ...]:
    options = connection_options(database_url)
    try:
        with _open(options) as backend:
            applied = {name for (name,) in backend.execute(SELECT_STEPS).fetchall()}
            check_known(applied, f"the database {options.get('dbname', '')}")
            undone = [name for name in reversed(known_steps()) if name > step and name in applied]
            if undone and not down:
                raise ConfigError("--to", f"drops what {', '.join(undone)} added and all that is in it: add --down")
            missing = [name for name in known_steps() if name <= step and name not in applied]
            with as_file(files("callengine.services") / "migrations") as folder:
                steps = {each.id: each for each in yoyo.read_migrations(str(folder))}
                for name in undone:
                    backend.rollback_one(steps[name])
                for name in missing:
                    backend.apply_one(steps[name])
            return tuple(undone or missing)
    except psycopg.Error as error:
        raise as_service_error(error, options) from error


@contextmanager
def _open(options: dict[str, str]) -> Iterator[DatabaseBackend]:
    """yoyo's connection, with our lock and its own tables."""
    # yoyo notes who ran a step through getpass.getuser(), which fails for a uid without a name (a container's).
    os.environ.setdefault("LOGNAME", "callengine")
    backend_class = get_backend_class("postgresql+psycopg")
    uri = DatabaseURI("postgresql+psycopg", None, None, None, None, options["dbname"], options)
    with backend_class(uri, TABLE) as backend:
        _lock(backend)
        backend.ensure_internal_schema_updated()
        yield backend


def _lock(backend: DatabaseBackend) -> None:
    """An advisory lock goes with its connection. yoyo's own is a row that a killed process leaves behind, so it is
    cleared once we hold ours."""
    backend.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    backend.execute(f"SELECT pg_advisory_lock({LOCK})")
    backend.init_database()
    backend.break_lock()
