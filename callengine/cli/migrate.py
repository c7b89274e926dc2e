"""`callengine migrate`: the database's schema, brought up to date."""

import json
from functools import partial
from typing import Annotated

import trio
import typer

from callengine.cli.settings import read_settings
from callengine.errors import ConfigError
from callengine.services import schema


def migrate(
    to: Annotated[str, typer.Option(metavar="STEP", help="Not to the newest step but to this one.")] = "",
    down: Annotated[bool, typer.Option("--down", help="Let --to undo steps: what they added is dropped.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The steps taken, as JSON.")] = False,
) -> None:
    """Apply the migrations to DATABASE_URL. Safe to run twice, while another node runs them, and while calls are up.

    The engine does the same when it starts. To go back to an older version, let the newer one undo its steps, and only
    after a backup: what those steps added is dropped with all that is in it.

    \b
    callengine migrate
    callengine migrate --to 0004.person --down

    0 when the schema is as asked, 1 where the database fails, 2 for a setting, or for a database that is ahead of this
    version.
    """
    settings = read_settings()
    if settings.database_url is None:
        raise ConfigError("DATABASE_URL", "is not set; the embedded database is migrated when the engine starts")
    known = schema.known_steps()
    step = to or known[-1]
    if step not in known:
        raise ConfigError("--to", f"there is no step {step!r}; the steps are {', '.join(known)}")
    taken = trio.run(partial(schema.migrate_to, settings.database_url.get_secret_value(), step, down=down))
    if as_json:
        typer.echo(json.dumps({"command": "migrate", "step": step, "taken": taken}))
        return
    undone = bool(taken) and taken[0] > step
    typer.echo(f"{len(taken)} migration(s) {'undone' if undone else 'applied'}")
