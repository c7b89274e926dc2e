"""`callengine backup`: the record, encrypted, to a place elsewhere."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Annotated

import structlog
import trio
import typer
from prometheus_client import start_http_server

from callengine.backup import metrics
from callengine.backup.copies import Copy, whole
from callengine.backup.daily import run_daily
from callengine.backup.place import Place, place_of
from callengine.backup.programs import BackupError
from callengine.backup.taking import Plan, ahead, prune, take_backup
from callengine.cli.settings import read_settings
from callengine.cli.transfer_bar import transfer_bar
from callengine.config import Settings
from callengine.errors import ConfigError
from callengine.logs import configure_logging

log = structlog.get_logger(__name__)

DAILY = "Each day"
# The options. A command is its signature, the page that --help shows, and what it does.
To = Annotated[str, typer.Option(metavar="PLACE", envvar="BACKUP_TO", help="Where to.")]
Recipient = Annotated[
    str, typer.Option(metavar="AGE1…", envvar="BACKUP_RECIPIENT", help="age's public key; several with commas.")
]
KeepDays = Annotated[int, typer.Option(min=0, envvar="BACKUP_KEEP_DAYS", help="Older ones are deleted; 0: none is.")]
Listing = Annotated[bool, typer.Option("--list", help="Show the backups that are there, and take none.")]
Daily = Annotated[
    str, typer.Option(metavar="HH:MM", help="One a day at this time (UTC), for ever.", rich_help_panel=DAILY)
]
MetricsPort = Annotated[
    int, typer.Option(min=0, max=65535, help="Where Prometheus finds the last success.", rich_help_panel=DAILY)
]
AsJson = Annotated[bool, typer.Option("--json", help="What was done, as JSON.")]


def backup(
    to: To = "",
    recipient: Recipient = "",
    keep_days: KeepDays = 30,
    listing: Listing = False,
    daily: Daily = "",
    metrics_port: MetricsPort = 9096,
    as_json: AsJson = False,
) -> None:
    """Back the database up: pg_dump, encrypted by age, put at its place by rclone. Calls go on meanwhile.

    PLACE is s3://BUCKET/FOLDER, a folder of this machine, or REMOTE:PATH of rclone's own configuration. For S3 rclone
    takes AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE; another S3 than Amazon's is named
    by RCLONE_S3_ENDPOINT and RCLONE_S3_REGION.

    age-keygen -o key.txt makes a pair of keys. The public one is all that this machine needs; key.txt, without which
    no backup can be read, is kept elsewhere. The dump is of one moment, and is never on this machine's disk. Beside it
    goes a page with its size, sum and rows; a dump without one was broken off and is never restored.

    \b
    callengine backup --to s3://shop-backups/callengine --recipient age1…
    callengine backup --list
    callengine backup --daily 03:30

    0 when it is made and old ones are deleted, 1 where that failed, 2 for a setting.
    """
    settings = read_settings()
    place = place_of(to, "BACKUP_TO")
    if listing:
        _show_all(place, as_json=as_json)
        return
    plan = _plan(settings, place, recipient, keep_days)
    if daily:
        at = _time(daily)
        configure_logging(settings)
        trio.run(_run_daily, plan, at, metrics_port)
    else:
        copy, gone = trio.run(_once, plan)
        _show(copy, gone, place, as_json=as_json)


def _plan(settings: Settings, place: Place, recipient: str, keep_days: int) -> Plan:
    if settings.database_url is None:
        raise ConfigError("DATABASE_URL", "is not set: name the database that is to be backed up")
    keep = timedelta(days=keep_days) if keep_days else None
    return Plan(settings.database_url.get_secret_value(), place, _recipients(recipient), keep)


async def _once(plan: Plan) -> tuple[Copy, Sequence[str]]:
    with transfer_bar("backing up") as tell:
        copy = await take_backup(plan, tell)
    return copy, await prune(plan)


async def _run_daily(plan: Plan, at: time, port: int) -> None:
    newest = None
    try:
        newest = await plan.place.copy()
        metrics.show_newest(newest)
    except BackupError as error:
        log.warning("no_backup_yet", problem=str(error))
    try:
        server, thread = start_http_server(port, registry=metrics.REGISTRY)
    except OSError as error:
        raise ConfigError("--metrics-port", f"cannot listen on {port}: {error.strerror}") from None
    try:
        log.info("backups_daily", place=plan.place.name, at=f"{at:%H:%M} UTC", metrics_port=server.server_port)
        await run_daily(partial(_take_and_prune, plan), at, newest, partial(datetime.now, UTC))
    finally:
        server.shutdown()
        thread.join()


async def _take_and_prune(plan: Plan) -> Copy:
    """A backup that is made is one, whatever becomes of the old ones."""
    copy = await take_backup(plan, lambda size: None)
    if problem := ahead(copy):
        log.warning("database_ahead", problem=problem)
    try:
        await prune(plan)
    except BackupError as error:
        log.error("old_backups_stay", problem=str(error))
    return copy


def _show(copy: Copy, gone: Sequence[str], place: Place, *, as_json: bool) -> None:
    if problem := ahead(copy):
        typer.echo(f"callengine backup: {problem}", err=True)
    if as_json:
        described = {"name": copy.name, "size": copy.size, "sha256": copy.sha256, "rows": copy.rows}
        typer.echo(json.dumps({"command": "backup", "place": place.name, **described, "deleted": gone}))
        return
    calls, others = copy.rows.get("calls", 0), sum(copy.rows.values())
    typer.echo(f"{place.name}/{copy.name}: {copy.size} bytes, {calls} calls ({others} rows in all)")
    if gone:
        typer.echo(f"{len(gone)} old file(s) deleted")


def _show_all(place: Place, *, as_json: bool) -> None:
    names = whole(trio.run(place.files))
    if as_json:
        typer.echo(json.dumps({"command": "backup", "place": place.name, "backups": names}))
        return
    for name in names:
        typer.echo(name)
    if not names:
        typer.echo(f"no whole backup at {place.name}", err=True)


def _recipients(text: str) -> tuple[str, ...]:
    given = tuple(part.strip() for part in text.split(",") if part.strip())
    if not given or not all(re.match(r"age1[0-9a-z]+$|ssh-(rsa|ed25519) ", each) for each in given):
        problem = "is no public key of age's" if given else "is not set"
        raise ConfigError("BACKUP_RECIPIENT", f"{problem}: give the age1… that age-keygen -o key.txt tells")
    return given


def _time(text: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").replace(tzinfo=UTC).time()
    except ValueError:
        raise ConfigError("--daily", f"must be a time (UTC) such as 03:30, not {text!r}") from None
