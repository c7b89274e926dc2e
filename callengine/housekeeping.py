"""What age and forgetting remove from the record, by and by, on a schedule, never in a call's way.

Every node looks after its own files; of the database and the bucket one node at a time does, under an advisory lock."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
import structlog
import trio

from callengine.errors import ConfigError, ServiceError
from callengine.metrics import retention_total
from callengine.ports.bridge import Bridge
from callengine.ports.forgetting import Removed
from callengine.recording import files
from callengine.services import forgetting
from callengine.services.database import as_service_error
from callengine.services.forget_list import ForgetList
from callengine.services.journal_store import connect
from callengine.services.object_store import Bucket

ROUND_SECONDS = 600.0
LOCK = 0x43414C48  # "CALH": our number among the database's advisory locks
PAUSE_SECONDS = 0.1  # between two transactions: the record goes first
STEP_SECONDS = 60.0  # of one transaction, or one batch of a bucket's objects
CLOSE_SECONDS = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Days after which calls, and their recordings, are deleted; 0: never. A recording never outlives its call."""

    calls: int = 0
    recordings: int = 0

    def calls_before(self, now: datetime) -> datetime | None:
        """Calls opened before this are deleted."""
        return now - timedelta(days=self.calls) if self.calls else None

    def recordings_before(self, now: datetime) -> datetime | None:
        """Recordings begun before this are deleted."""
        days = [days for days in (self.calls, self.recordings) if days]
        return now - timedelta(days=min(days)) if days else None


@dataclass(frozen=True, slots=True)
class House:
    """Where everything is: the database (as `connection_options` gives it), DATA_DIR, the bucket if there is one."""

    database: dict[str, str]
    bridge: Bridge
    data_dir: Path
    bucket: Bucket | None = None

    @property
    def recordings(self) -> Path:
        """The folder of the recordings."""
        return self.data_dir / "recordings"

    @asynccontextmanager
    async def open_database(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """A connection of one's own. Raises ServiceError for whatever goes wrong with it, within the block too."""
        connection = None
        try:
            with trio.fail_after(STEP_SECONDS):
                connection = await self.bridge.run(connect, self.database)
            yield connection
        except (psycopg.Error, OSError, trio.TooSlowError) as error:
            raise as_service_error(error, self.database) from error
        finally:
            if connection is not None:
                with trio.move_on_after(CLOSE_SECONDS, shield=True):
                    await self.bridge.run(connection.close)


async def serve_housekeeping(house: House, limits: Limits) -> None:
    """Look at once and then every ROUND_SECONDS, for ever. What cannot be done waits for the next round."""
    began, rounds, failing = trio.current_time(), 0, False
    while True:
        try:
            await run_round(house, limits, datetime.now(UTC))
        except (ServiceError, ConfigError) as error:
            (log.debug if failing else log.warning)("housekeeping waits", problem=str(error))
            failing = True
        else:
            failing = False
        rounds = max(rounds + 1, int((trio.current_time() - began) / ROUND_SECONDS) + 1)
        await trio.sleep_until(began + rounds * ROUND_SECONDS)


async def run_round(house: House, limits: Limits, now: datetime) -> None:
    """One round. Raises ServiceError, ConfigError."""
    async with house.open_database() as connection:
        if await share_list(house, connection):
            cleared = await clear_all(house, connection, await house.bridge.run(forgetting.calls_listed, connection))
            retention_total.labels("forgotten").inc(cleared.calls)
            log.info("the forget list was applied again", calls=cleared.calls)
        await _tidy_own_files(house, connection, limits.recordings_before(now))
        if await house.bridge.run(forgetting.try_lock, connection, LOCK):
            await delete_sounds(house, connection, limits.recordings_before(now))
            if (before := limits.calls_before(now)) is not None:
                await delete_calls(house, connection, before)


async def share_list(house: House, connection: psycopg.AsyncConnection) -> bool:
    """The list of the database and that of DATA_DIR become one; True where the database had less: it was restored."""
    file = ForgetList(house.data_dir)
    known = await house.bridge.run(forgetting.listed, connection)
    here = await trio.to_thread.run_sync(file.entries)
    if known:  # else there may be no DATA_DIR, and needs none
        await trio.to_thread.run_sync(file.add, known)
    already = {entry.identity for entry in known}
    new_there = [entry for entry in here if entry.identity not in already]
    if new_there:
        await house.bridge.run(forgetting.note, connection, new_there)
    return bool(new_there)


async def clear_all(house: House, connection: psycopg.AsyncConnection, call_ids: Sequence[str]) -> Removed:
    """Clear these calls, some at a time."""
    removed = Removed()
    for batch in batches(call_ids):
        removed += await house.bridge.run(forgetting.clear, connection, batch)
        await trio.sleep(PAUSE_SECONDS)
    return removed


async def delete_calls(house: House, connection: psycopg.AsyncConnection, before: datetime) -> int:
    """Delete the calls opened before a time, some at a time; how many."""
    deleted = 0
    while some := await house.bridge.run(forgetting.delete_calls, connection, before):
        deleted += some
        retention_total.labels("calls").inc(some)
        await trio.sleep(PAUSE_SECONDS)
    if deleted:
        log.info("old calls were deleted", calls=deleted, opened_before=before.isoformat())
    return deleted


async def delete_sounds(house: House, connection: psycopg.AsyncConnection, before: datetime | None) -> int:
    """Delete the recordings of forgotten calls, and those begun before a time, from bucket and record; how many.

    Raises ServiceError where the bucket does not let go of one: the record knows of it until it does."""
    deleted = 0
    find = partial(forgetting.sounds_to_delete, connection, before, in_bucket=house.bucket is not None)
    while sounds := await house.bridge.run(find):
        if house.bucket is not None and (urls := [sound.url for sound in sounds if sound.url]):
            await trio.to_thread.run_sync(house.bucket.delete, urls, abandon_on_cancel=True)
        await house.bridge.run(forgetting.note_deleted, connection, sounds)
        deleted += len(sounds)
        retention_total.labels("recordings").inc(len(sounds))
        await trio.sleep(PAUSE_SECONDS)
    return deleted


def batches(call_ids: Sequence[str]) -> Sequence[Sequence[str]]:
    """Parts that are a transaction's worth each."""
    size = forgetting.BATCH_CALLS
    return [call_ids[begin : begin + size] for begin in range(0, len(call_ids), size)]


async def _tidy_own_files(house: House, connection: psycopg.AsyncConnection, before: datetime | None) -> None:
    """Delete what is too old, or of forgotten calls, of the files here."""
    aged = [entry.before for entry in await house.bridge.run(forgetting.listed, connection) if entry.kind == "age"]
    limit = max([*aged, *([before] if before is not None else [])], default=None)
    here = await trio.to_thread.run_sync(_files_here, house.recordings, limit)
    for batch in batches(sorted(here)):
        forgotten = await house.bridge.run(forgetting.forgotten_among, connection, batch)
        doomed = [file for call_id in sorted(forgotten) for file in here[call_id]]
        if doomed:
            await trio.to_thread.run_sync(files.delete_all, house.recordings, doomed)


def _files_here(folder: Path, before: datetime | None) -> dict[str, list[str]]:
    """Whole recordings by call, without those begun before a time: they are deleted."""
    if before is not None:
        files.delete_before(folder, before)
    found: dict[str, list[str]] = {}
    for file in files.every_file(folder):
        found.setdefault(files.call_of(file), []).append(file)
    return found
