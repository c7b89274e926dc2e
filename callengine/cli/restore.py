"""`callengine restore`: a backup into an empty database."""

import json
from pathlib import Path
from typing import Annotated

import trio
import typer

from callengine.backup import restoring
from callengine.backup.copies import Copy
from callengine.backup.place import place_of
from callengine.backup.restoring import Restored, Source
from callengine.cli.settings import read_settings
from callengine.cli.transfer_bar import transfer_bar
from callengine.config import Settings
from callengine.errors import ConfigError


def restore(
    name: Annotated[str, typer.Argument(help="Which backup; without it the newest (callengine backup --list).")] = "",
    place: Annotated[str, typer.Option("--from", metavar="PLACE", envvar="BACKUP_TO", help="As in backup.")] = "",
    identity: Annotated[
        Path | None, typer.Option(metavar="FILE", envvar="BACKUP_IDENTITY", help="age's private key, key.txt.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Read it through, and restore nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="In place of what is in the database.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What was done, as JSON.")] = False,
) -> None:
    """Put a backup into DATABASE_URL, which must be empty. Stop the engines first: what they have spooled is kept.

    The backup is read through before anything is touched (its sum, the key, whether pg_restore can read it), and then
    goes in as one transaction: whole or not at all. Rows are counted and compared, the migrations since are applied,
    and who was forgotten since is forgotten again. If any of that fails, the database is as it was: empty, or with
    --force what was there, which is dropped when all has succeeded.

    \b
    callengine restore --identity key.txt --check
    callengine restore --identity key.txt
    callengine restore callengine-20261123T033000Z --from s3://shop-backups/callengine --identity key.txt

    0 when the record is back (with --check: when it could be), 1 where the backup, its place or the database fails, 2
    for a setting, and for a database that is not empty.
    """
    settings = read_settings()
    chosen = place_of(place, "--from")
    if identity is None or not identity.is_file():
        problem = "is not set" if identity is None else f"there is no file {identity}"
        raise ConfigError("--identity", f"{problem}: name the file that age-keygen wrote, with AGE-SECRET-KEY in it")
    source = Source(chosen, trio.run(chosen.copy, name), identity)
    if check:
        trio.run(_verify, source)
        done = None
    else:
        done = trio.run(_restore, source, settings, force)
    _show(source.copy, done, as_json=as_json)


async def _verify(source: Source) -> None:
    with transfer_bar("checking", source.copy.size) as tell:
        await restoring.verify(source, tell)


async def _restore(source: Source, settings: Settings, force: bool) -> Restored:
    """Refuses what it can before it reads the whole backup."""
    await restoring.check(source, settings, force=force)
    await _verify(source)
    with transfer_bar("restoring", source.copy.size) as tell:
        return await restoring.restore(source, settings, force=force, tell=tell)


def _show(copy: Copy, done: Restored | None, *, as_json: bool) -> None:
    if as_json:
        counted = {"migrations": done.migrations, "forgotten": done.forgotten} if done is not None else {}
        described = {"name": copy.name, "rows": copy.rows, "restored": done is not None}
        typer.echo(json.dumps({"command": "restore", **described, **counted}))
        return
    what = f"{copy.rows.get('calls', 0)} calls, {sum(copy.rows.values())} rows in all"
    if done is None:
        typer.echo(f"{copy.name} is whole: {what}")
    else:
        typer.echo(f"{copy.name} is restored: {what}; {done.migrations} migration(s) applied")
        if done.forgotten:
            typer.echo(f"{done.forgotten} call(s) of forgotten callers cleared again")
