"""What backup and restore ask of PostgreSQL themselves; the data goes through pg_dump and pg_restore."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.pq import Conninfo

from callengine.errors import ConfigError
from callengine.services.database import as_service_error, connection_options
from callengine.services.schema import LOCK, LOCK_SECONDS, SELECT_STEPS, TABLE

ASIDE = "before_restore"
# Ours is the schema `public`; what an extension brought there comes back with the extension.
OURS = """
SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('public') AND relkind IN ('r', 'p')
AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e') ORDER BY relname
"""
ANY_ASIDE = "SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind IN ('r', 'p'))"
EXTENSIONS = "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY extname"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of the database, open for pg_dump under `id` while its connection is."""

    id: str
    rows: Mapping[str, int]
    steps: Sequence[str]
    extensions: Sequence[str]


def environment(database_url: str) -> dict[str, str]:
    """A URL as libpq's variables: a password on a command line is everybody's."""
    connection_options(database_url)  # raises ConfigError
    options = [(each.envvar, each.val) for each in Conninfo.parse(database_url.encode())]
    return {name.decode(): value.decode() for name, value in options if name is not None and value is not None}


def database_name(database_url: str) -> str:
    """The database in a URL; libpq's own choice is the user's name."""
    options = connection_options(database_url)
    return options.get("dbname") or options.get("user", "")


@contextmanager
def open_connection(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection in autocommit mode; what goes wrong with it is a ServiceError."""
    options = connection_options(database_url)
    try:
        with psycopg.connect(**options, autocommit=True) as connection:  # type: ignore[arg-type]
            yield connection
    except psycopg.Error as error:
        raise as_service_error(error, options) from error


def take_snapshot(connection: psycopg.Connection) -> Snapshot:
    """Begin a transaction that sees this moment until the connection is closed (SET TRANSACTION SNAPSHOT)."""
    connection.execute("SET idle_in_transaction_session_timeout = 0")  # it waits for pg_dump
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    rows = count_rows(connection)
    if TABLE not in rows:
        where = f"the database {connection.info.dbname}"
        raise ConfigError("DATABASE_URL", f"{where} has no schema of callengine's: nothing to back up")
    steps = [name for (name,) in connection.execute(SELECT_STEPS)]
    extensions = [name for (name,) in connection.execute(EXTENSIONS)]
    exported = connection.execute("SELECT pg_export_snapshot()").fetchone()
    assert exported is not None
    return Snapshot(exported[0], rows, steps, extensions)


def count_rows(connection: psycopg.Connection) -> dict[str, int]:
    """Each of our tables with its rows."""
    counted = {}
    for (name,) in connection.execute(OURS).fetchall():
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", name))).fetchone()
        assert row is not None
        counted[name] = row[0]
    return counted


def lock_schema(connection: psycopg.Connection) -> None:
    """No engine migrates the database while this connection is open (services/schema.py waits for the same lock)."""
    connection.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    connection.execute(f"SELECT pg_advisory_lock({LOCK})")


def create_extensions(connection: psycopg.Connection, wanted: Sequence[str]) -> None:
    """Those that this server has: what needs another one names it when it is restored."""
    query = "SELECT name FROM pg_available_extensions WHERE name = ANY(%s)"
    for (name,) in connection.execute(query, (list(wanted),)).fetchall():
        connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA public").format(sql.Identifier(name)))


def put_aside(connection: psycopg.Connection) -> None:
    """All that is there into a schema of its own, where it can come back from. The connection's user has to own the
    database, or its schema."""
    with connection.transaction():
        connection.execute(f"DROP SCHEMA IF EXISTS {ASIDE}")  # an empty one: see `has_aside`
        connection.execute(f"ALTER SCHEMA public RENAME TO {ASIDE}")
        # As initdb makes it: pg_dump then takes it for granted.
        connection.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
        connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
        _move_extensions(connection, ASIDE, "public")


def put_back(connection: psycopg.Connection) -> None:
    """Undo `put_aside`, and whatever has been made since."""
    with connection.transaction():
        _move_extensions(connection, "public", ASIDE)
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute(f"ALTER SCHEMA {ASIDE} RENAME TO public")


def drop_aside(connection: psycopg.Connection) -> None:
    """What was put aside is not wanted any more."""
    connection.execute(f"DROP SCHEMA {ASIDE} CASCADE")


def has_aside(connection: psycopg.Connection) -> bool:
    """Whether a restore that was killed has left tables there; a schema with nothing in it is nobody's loss."""
    return connection.execute(ANY_ASIDE, (ASIDE,)).fetchone() == (True,)


def _move_extensions(connection: psycopg.Connection, source: str, target: str) -> None:
    """pgvector and the like are installed once, and are not part of what is put aside."""
    query = "SELECT extname FROM pg_extension WHERE extnamespace = to_regnamespace(%s)"
    for (name,) in connection.execute(query, (source,)).fetchall():
        move = sql.SQL("ALTER EXTENSION {} SET SCHEMA {}").format(sql.Identifier(name), sql.Identifier(target))
        connection.execute(move)
