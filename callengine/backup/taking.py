"""One backup: a consistent dump while calls go on, encrypted before it leaves the machine, and described last."""

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import trio

from callengine.backup.copies import Copy, name_at, outdated
from callengine.backup.database import ASIDE, Snapshot, environment, open_connection, take_snapshot
from callengine.backup.place import Place
from callengine.backup.programs import BackupError, Program, Tell, found, open_sink, open_source, pour
from callengine.services.schema import newer_steps


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be backed up, for whom, and for how long (None: for ever). `recipients`: age's public keys."""

    database_url: str
    place: Place
    recipients: Sequence[str]
    keep: timedelta | None


async def take_backup(plan: Plan, tell: Tell) -> Copy:
    """Take one; what was broken off leaves nothing that looks like a backup. Raises ConfigError, ServiceError (the
    database) or BackupError (a program, the place)."""
    name = name_at(datetime.now(UTC))
    async with _open_snapshot(plan.database_url) as snapshot:
        dump = _pg_dump(plan.database_url, snapshot.id)
        writes = plan.place.writes_dump(name)
        async with open_sink(writes) as sink, open_source(dump, _age(plan.recipients)) as source:
            poured = await pour(source, sink, tell)
    copy = Copy(name, poured.size, poured.sha256, snapshot.rows, snapshot.steps, snapshot.extensions)
    await plan.place.put_page(copy)
    return copy


def ahead(copy: Copy) -> str:
    """One line where the database is of a newer version than this program; else empty. The backup is whole."""
    newer = newer_steps(copy.steps)
    return f"{copy.name} has step {newer[0]} of a newer version: only that version restores it" if newer else ""


async def prune(plan: Plan) -> Sequence[str]:
    """Delete what is older than it is to be kept; the files that are gone. Raises BackupError."""
    gone = outdated(await plan.place.files(), datetime.now(UTC), plan.keep)
    for file in gone:
        try:
            await plan.place.delete(file)
        except BackupError as error:
            raise BackupError(f"the backup is made, but an old one cannot be deleted: {error}") from None
    return gone


@asynccontextmanager
async def _open_snapshot(database_url: str) -> AsyncIterator[Snapshot]:
    with ExitStack() as stack:
        connection = await trio.to_thread.run_sync(stack.enter_context, open_connection(database_url))
        yield await trio.to_thread.run_sync(take_snapshot, connection)


def _pg_dump(database_url: str, snapshot: str) -> Program:
    """The custom form: compressed, and put back in one transaction. Owners and rights are those of the new place."""
    options = (
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        f"--snapshot={snapshot}",
        f"--exclude-schema={ASIDE}",
    )
    return Program((found("pg_dump"), *options), environment(database_url))


def _age(recipients: Sequence[str]) -> Program:
    """Only who has the private key can read it: this machine need not."""
    return Program((found("age"), "--encrypt", *(f"--recipient={each}" for each in recipients)))
