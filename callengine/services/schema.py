"""The database's schema: the numbered SQL files of `migrations/`, applied by yoyo."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.resources import as_file, files

import psycopg
import trio
import yoyo
from yoyo.backends import DatabaseBackend, get_backend_class
from yoyo.connections import DatabaseURI

from callengine.errors import ConfigError
from callengine.services.database import as_service_error, connection_options

TABLE = "schema_migrations"
SELECT_STEPS = f"SELECT migration_id FROM {TABLE} ORDER BY migration_id"  # noqa: S608 - a name of ours
LOCK = 0x43414C4C  # "CALL": our number among the database's advisory locks
LOCK_SECONDS = 60
NOTHING = ""  # before the first step


async def migrate(database_url: str) -> int:
    """Bring the schema up to date, one process at a time; gives the number of steps applied.

    Raises ConfigError (the URL, or a database that a newer version has migrated) or ServiceError (the database cannot
    be reached, or refuses).
    """
    return len(await migrate_to(database_url, known_steps()[-1]))


async def unmigrate(database_url: str) -> int:
    """Undo every step: the record is gone after this. Errors as `migrate`."""
    return len(await migrate_to(database_url, NOTHING, down=True))


async def migrate_to(database_url: str, step: str, *, down: bool = False) -> tuple[str, ...]:
    """Bring the schema to `step`; gives the steps applied, or those undone. What a step added goes with all that is in
    it when it is undone, so that is done only where `down` says so. Errors as `migrate`."""
    return await trio.to_thread.run_sync(partial(_change, database_url, step, down=down))


def known_steps() -> tuple[str, ...]:
    """The steps that this version has, in their order."""
    names = [file.name for file in (files("callengine.services") / "migrations").iterdir()]
    return tuple(sorted(name[:-4] for name in names if name.endswith(".sql") and not name.endswith(".rollback.sql")))


def check_known(applied: Collection[str], where: str, variable: str = "DATABASE_URL") -> None:
    """Raise ConfigError, naming `variable`, where a newer version has migrated what is at `where`."""
    known = known_steps()
    if newer := sorted(set(applied) - set(known)):
        problem = (
            f"{where} was migrated by a newer version: it has step {newer[0]}, this version ends with {known[-1]}; "
            f"start the newer version, or have it go back: callengine migrate --to {known[-1]} --down"
        )
        raise ConfigError(variable, problem)


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
