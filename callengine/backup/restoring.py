"""The way back: the backup is read through before anything is touched, and goes in as one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import trio

from callengine.backup import database
from callengine.backup.copies import Copy
from callengine.backup.forgotten import forget_again
from callengine.backup.place import Place
from callengine.backup.programs import BackupError, Program, Tell, found, open_sink, open_source, pour
from callengine.config import Settings
from callengine.errors import ConfigError
from callengine.services import schema


@dataclass(frozen=True, slots=True)
class Source:
    """Where a backup is taken from, and `identity`: the file of age's private key."""

    place: Place
    copy: Copy
    identity: Path


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did besides: migrations applied, calls cleared because their caller was forgotten."""

    migrations: int
    forgotten: int


async def verify(source: Source, tell: Tell) -> None:
    """Read a whole backup: its sum, the key, and whether pg_restore can read it. Raises BackupError."""
    place, copy = source.place, source.copy
    reader = Program((found("pg_restore"), "--file=/dev/null"))
    failure: BackupError | None = None
    async with open_source(place.reads_dump(copy.name)) as dump:
        try:
            async with open_sink(_age(source.identity), reader) as sink:
                poured = await pour(dump, sink, tell)
        except BackupError as error:
            failure = error
    where = f"{place.name}/{copy.name}"
    if (poured.size, poured.sha256) != (copy.size, copy.sha256):
        whole = "is damaged" if poured.size == copy.size else f"has {poured.size} of its {copy.size} bytes"
        raise BackupError(f"{where} {whole}: nothing was restored; name another one (callengine backup --list)")
    if failure is not None:
        hint = " (is --identity the key that BACKUP_RECIPIENT belongs to?)" if failure.program == "age" else ""
        raise BackupError(f"{where} cannot be read, nothing was restored: {failure}{hint}")


async def check(source: Source, settings: Settings, *, force: bool) -> None:
    """Raise ConfigError for what is refused whatever the dump is: a database that is not empty, a backup of a newer
    version. Raises ServiceError (the database)."""
    schema.check_known(source.copy.steps, source.copy.name, "--from")
    with database.open_connection(_url(settings)) as connection:
        await trio.to_thread.run_sync(check_empty, connection, force)


async def restore(source: Source, settings: Settings, *, force: bool, tell: Tell) -> Restored:
    """Put a backup that was verified into an empty database, with `force` in place of what is there. If any of it
    fails, the database is as it was. Raises ConfigError (not empty), ServiceError (the database) or BackupError."""
    url = _url(settings)
    with database.open_connection(url) as connection:
        await trio.to_thread.run_sync(database.lock_schema, connection)
        check_empty(connection, force)
        with _replacing(connection):
            await _pour_in(source, url, connection, tell)
            # Its own lock: ours must be free by now.
            connection.execute("SELECT pg_advisory_unlock_all()")
            migrations = await schema.migrate(url)
            forgotten = await forget_again(settings)
    return Restored(migrations, forgotten)


def _url(settings: Settings) -> str:
    if settings.database_url is None:
        raise ConfigError("DATABASE_URL", "is not set: name the empty database that the record is to go into")
    return settings.database_url.get_secret_value()


def check_empty(connection: psycopg.Connection, force: bool) -> None:
    """Raise ConfigError where there is something that nobody said may go."""
    where = f"the database {connection.info.dbname}"
    if database.has_aside(connection):
        problem = (
            f"{where} still has a schema {database.ASIDE}, put aside by a restore that was killed: rename it back to"
            " public, or drop it"
        )
        raise ConfigError("DATABASE_URL", problem)
    there = database.count_rows(connection)
    if there and not force:
        problem = (
            f"{where} is not empty ({len(there)} tables, {there.get('calls', 0)} calls), and a restore goes into an"
            " empty one: make one (createdb), or --force replaces what is there"
        )
        raise ConfigError("DATABASE_URL", problem)


@contextmanager
def _replacing(connection: psycopg.Connection) -> Iterator[None]:
    """What is there is out of the way, and comes back if the block fails: also where nothing is, lest a restore that
    could not forget anew leaves the people it has brought back."""
    database.put_aside(connection)
    done = False
    try:
        yield
        done = True
    finally:
        if done:
            database.drop_aside(connection)
        else:
            database.put_back(connection)


async def _pour_in(source: Source, database_url: str, connection: psycopg.Connection, tell: Tell) -> None:
    # Of the schema alone: extensions are made before, where the server has them.
    options = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--schema=public")
    await trio.to_thread.run_sync(database.create_extensions, connection, source.copy.extensions)
    name = database.database_name(database_url)
    into = Program((found("pg_restore"), *options, f"--dbname={name}"), database.environment(database_url))
    reads = source.place.reads_dump(source.copy.name)
    async with open_source(reads) as dump, open_sink(_age(source.identity), into) as sink:
        await pour(dump, sink, tell)
    rows = await trio.to_thread.run_sync(database.count_rows, connection)
    if rows != source.copy.rows:
        tables = sorted({name for name, _ in rows.items() ^ source.copy.rows.items()})
        raise BackupError(f"{source.copy.name}: restored, but {', '.join(tables)} have not the rows that they had")


def _age(identity: Path) -> Program:
    return Program((found("age"), "--decrypt", f"--identity={identity}"))
