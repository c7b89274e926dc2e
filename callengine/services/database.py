"""Reaching PostgreSQL: what a URL says, where it points, and errors in one line."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from callengine.errors import ConfigError, ServiceError

CONNECT_SECONDS = 5
_SCHEMES = ("postgresql://", "postgres://")


def connection_options(database_url: str, variable: str = "DATABASE_URL") -> dict[str, str]:
    """What libpq needs to connect. Raises ConfigError naming `variable` when the URL cannot be used; it may hold a
    password, so the error never quotes it."""
    if not database_url.startswith(_SCHEMES):
        raise ConfigError(variable, "must begin with postgresql://")
    not_a_url = ConfigError(variable, "is not a URL like postgresql://user:password@host:5432/database")
    try:
        given = conninfo_to_dict(database_url)
    except psycopg.ProgrammingError:
        raise not_a_url from None
    # libpq itself looks at the port only when it connects; several hosts have several ports.
    if not all(port.isdecimal() for port in str(given.get("port", "5432")).split(",") if port):
        raise not_a_url
    options = {name: str(value) for name, value in given.items() if value is not None}
    options.setdefault("connect_timeout", str(CONNECT_SECONDS))
    options.setdefault("application_name", "callengine")
    return options


def as_service_error(error: Exception, options: dict[str, str], variable: str = "DATABASE_URL") -> ServiceError:
    """One line: which database, and the last thing PostgreSQL or libpq said of reaching it. Errors about data are named
    by their SQLSTATE only, because their text may quote a caller."""
    where = f"{options.get('user', '')}@{options.get('host', 'localhost')}/{options.get('dbname', '')}"
    if isinstance(error, psycopg.OperationalError) and not error.sqlstate:
        # libpq follows a refused connection with a question on a line of its own.
        lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.endswith("?")]
        said = lines[-1] if lines else "connection lost"
    elif isinstance(error, psycopg.Error):
        said = f"{type(error).__name__} ({error.sqlstate})"
    else:
        said = "no answer in time"
    return ServiceError(f"database {where}: {said} (check {variable})")
