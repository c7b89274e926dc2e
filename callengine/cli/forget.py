"""`callengine forget`: what is personal in the record goes, for somebody who asks for it or because it is old."""

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import trio
import typer

from callengine.buckets import bucket_of
from callengine.cli.settings import read_settings
from callengine.config import Settings
from callengine.errors import ConfigError
from callengine.forget import Report, forget_again, preview
from callengine.forget import forget as forget_target
from callengine.housekeeping import House
from callengine.ports.calls_wanted import number_key
from callengine.ports.forgetting import Target
from callengine.services.bridge import open_bridge
from callengine.services.database import connection_options

NOT_DONE, NOTHING_FOUND = 1, 3
LEAST_DIGITS = 3  # an extension; fewer are no telephone
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}

_NUMBER = typer.Option("--number", help="Whoever called from this number, however it is written: +7 916 123-45-67.")
_CALL = typer.Option("--call", help="One call, by its id.")
_OLDER_THAN = typer.Option("--older-than", help="Every call older than this: 365d, 52w, 48h.")
_AGAIN = typer.Option("--again", help="Everything on the forget list, once more: after a restore.")
_DELETE = typer.Option("--delete", help="With --older-than: the calls go altogether, with counts and costs.")
_DRY_RUN = typer.Option("--dry-run", help="Count what would go; change nothing.")
_AS_JSON = typer.Option("--json", help="One JSON object.")


def forget(
    number: Annotated[str | None, _NUMBER] = None,
    call: Annotated[str | None, _CALL] = None,
    older_than: Annotated[str | None, _OLDER_THAN] = None,
    again: Annotated[bool, _AGAIN] = False,
    delete: Annotated[bool, _DELETE] = False,
    dry_run: Annotated[bool, _DRY_RUN] = False,
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Clear what is personal out of the record: numbers, names, what was said, what tools were asked and answered,
    summaries, requests to be called back; and delete the recordings, here and in S3. Counts, times and costs stay.

    Run it where an engine runs, with its settings (`docker compose exec call-processor callengine forget …`): it asks
    DATABASE_URL, REDIS_URL, RECORDING_S3_URL and the files of DATA_DIR. What is asked for is noted, without the number
    itself, in DATA_DIR/forget/list.jsonl and in the database, so that entries which are written later and a restored
    copy are forgotten too.

    Try `callengine forget --number "+7 916 123-45-67" --dry-run` first: there is no way back.

    Exit status: 0 done, 1 something was not (a line says what; `--again` goes on with it), 2 a wrong option or setting,
    3 done, but nothing was found.
    """
    settings = read_settings()
    target = _target(number, call, older_than, again=again)
    if delete and (target is None or target.kind != "age"):
        raise ConfigError("--delete", "goes with --older-than alone: of one person counts and costs stay")
    report = trio.run(_run, settings, target, delete, dry_run)
    if as_json:
        found = asdict(report) | asdict(report.removed) | {"dry_run": dry_run}
        typer.echo(json.dumps({name: value for name, value in found.items() if name != "removed"}))
    else:
        _tell(report, dry_run=dry_run)
    if report.problems:
        raise typer.Exit(NOT_DONE)
    if not report.found:
        raise typer.Exit(NOTHING_FOUND)


async def _run(settings: Settings, target: Target | None, delete: bool, dry_run: bool) -> Report:
    if settings.database_url is None:
        problem = "is not set; an embedded database's is in the engine's log where it says `started`, `part=PostgreSQL`"
        raise ConfigError("DATABASE_URL", problem)
    options = connection_options(settings.database_url.get_secret_value())
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else ""
    async with open_bridge() as bridge:
        house = House(options, bridge, settings.data_dir, bucket_of(settings))
        if dry_run:
            return await preview(house, target)
        if target is None:
            return await forget_again(house, redis_url)
        return await forget_target(house, redis_url, target, delete=delete)


def _target(number: str | None, call: str | None, older_than: str | None, *, again: bool) -> Target | None:
    """What is asked for; None: the list."""
    given = [name for name, value in (("--number", number), ("--call", call), ("--older-than", older_than)) if value]
    given += ["--again"] if again else []
    if len(given) != 1:
        said = f"{' and '.join(given)} were given" if given else "nothing was said"
        raise ConfigError("forget", f"one of --number, --call, --older-than and --again says what to forget; {said}")
    now = datetime.now(UTC)
    if number:
        key = number_key(number)
        if len(key) < LEAST_DIGITS:
            raise ConfigError("--number", f"has {len(key)} digits: give the whole number")
        return Target("number", key, now)
    if call:
        return Target("call", call, now)
    return Target("age", "", now - _age(older_than)) if older_than else None


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,5})([hdw])", text.strip())
    if found is None or not int(found[1]):
        raise ConfigError("--older-than", f"is a number and h, d or w, like 365d (it is {text[:20]!r})")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _tell(report: Report, *, dry_run: bool) -> None:
    removed = report.removed
    verb = "would be cleared" if dry_run else "cleared"
    typer.echo(
        f"{verb}: {removed.calls} calls with {removed.turns} turns, {removed.tools} tool calls and"
        f" {removed.callbacks} call-backs"
    )
    typer.echo(
        f"{'would be deleted' if dry_run else 'deleted'}: {report.recordings} recordings, {report.files} files here"
    )
    if not dry_run:
        in_redis = f"{report.redis_keys} keys and events of Redis"
        typer.echo(f"deleted: {in_redis}, {report.damaged_entries} entries of damaged files")
    if report.deleted_calls:
        typer.echo(f"deleted: {report.deleted_calls} calls altogether")
    if report.up:
        typer.echo(f"{report.up} of the calls are up: what they say from now on is forgotten as it is written")
    for problem in report.problems:
        typer.echo(f"not done: {problem}", err=True)
