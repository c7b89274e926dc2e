"""`callengine migrate`: the database's schema, brought up to date."""

import trio
import typer

from callengine.cli.serve import read_settings
from callengine.errors import ConfigError
from callengine.services import schema


def migrate() -> None:
    """Apply the migrations to DATABASE_URL. Safe to run twice, and while another node runs them."""
    settings = read_settings()
    if settings.database_url is None:
        raise ConfigError("DATABASE_URL", "is not set; the embedded database is migrated when the engine starts")
    applied = trio.run(schema.migrate, settings.database_url.get_secret_value())
    typer.echo(f"{applied} migration(s) applied")
