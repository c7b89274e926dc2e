"""Reaching PostgreSQL: what a URL says, where it points, and errors in one line."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from callengine.errors import AwayError, ConfigError, ServiceError

CONNECT_SECONDS = 5
_SCHEMES = ("postgresql://", "postgres://")
# A server that refuses to connect says FATAL and why, in its own language, and libpq passes the text on without the
# SQLSTATE. These pass by themselves (PostgreSQL appendix A, class 57P and 53); all others are a setting's fault.
_PASSING = ("starting up", "shutting down", "recovery mode", "not yet accepting", "too many", "remaining connection")
_OF_SETTINGS = ("FATAL", "SSL", "certificate", "GSSAPI", "no pg_hba.conf entry")
_PASSING_STATES = ("08", "53", "57")


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
    by their SQLSTATE only, because their text may quote a caller. An AwayError is one that may pass."""
    kind = AwayError if _passes(error) else ServiceError
    where = f"{options.get('user', '')}@{options.get('host', 'localhost')}/{options.get('dbname', '')}"
    if isinstance(error, psycopg.OperationalError) and not error.sqlstate:
        # libpq follows a refused connection with a question on a line of its own.
        lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.endswith("?")]
        said = lines[-1] if lines else "connection lost"
    elif isinstance(error, psycopg.Error):
        said = f"{type(error).__name__} ({error.sqlstate})"
    else:
        said = "no answer in time"
    return kind(f"database {where}: {said} (check {variable})")


def _passes(error: Exception) -> bool:
    """Whether the database is only away: a host that does not answer, or whose name nobody knows (a container's goes
    with it), a server that starts or stops."""
    if not isinstance(error, psycopg.Error):
        return True  # no answer in time, a broken socket
    if error.sqlstate:
        return error.sqlstate[:2] in _PASSING_STATES
    said = str(error)
    known = any(word in said for word in _OF_SETTINGS)
    return isinstance(error, psycopg.OperationalError) and (not known or any(word in said for word in _PASSING))
