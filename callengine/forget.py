"""Forgetting somebody: the record, the recordings, Redis, the disk; and a list to do it again after a restore.

The list is written first. Whatever fails after that is named, and done by the next round of the housekeeping or by
`callengine forget --again`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg
import trio

from callengine.errors import ServiceError
from callengine.housekeeping import House, batches, clear_all, delete_calls, delete_sounds, share_list
from callengine.ports.calls_wanted import number_key
from callengine.ports.forgetting import KeptSound, Removed, Target
from callengine.ports.journal import Entry
from callengine.recording import files
from callengine.services import forgetting
from callengine.services.forget_list import ForgetList
from callengine.services.forget_redis import forget_in_redis
from callengine.services.spool_forgetting import forget_in_damaged


@dataclass(slots=True)
class Report:
    """What was done, or would be. `up`: calls that are up still; `problems`: what was not done, a line each."""

    removed: Removed = field(default_factory=Removed)
    recordings: int = 0
    files: int = 0
    redis_keys: int = 0
    damaged_entries: int = 0
    deleted_calls: int = 0
    up: int = 0
    listed: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def found(self) -> bool:
        """There was something to forget."""
        counts = (self.removed.calls, self.recordings, self.files, self.redis_keys, self.damaged_entries)
        return any((*counts, self.deleted_calls))


async def forget(house: House, redis_url: str, target: Target, *, delete: bool = False) -> Report:
    """Forget a target; with `delete` (of an age) the calls go altogether, counts and costs with them.

    Raises ServiceError (the database), ConfigError."""
    report, file = Report(), ForgetList(house.data_dir)
    async with house.open_database() as connection:
        await share_list(house, connection)
        entry = target.noted(await trio.to_thread.run_sync(file.salt), datetime.now(UTC))
        await trio.to_thread.run_sync(file.add, [entry])
        await house.bridge.run(forgetting.note, connection, [entry])
        report.listed = 1
        call_ids = await house.bridge.run(forgetting.calls_of, connection, target)
        await _forget_calls(house, redis_url, connection, call_ids, report)
        if target.kind == "age":
            report.files += await trio.to_thread.run_sync(files.delete_before, house.recordings, target.before)
        report.damaged_entries = await _forget_damaged(house, target, report)
        if delete:
            report.deleted_calls = await delete_calls(house, connection, target.before)
    return report


async def forget_again(house: House, redis_url: str) -> Report:
    """Apply the list: after a restore. Errors as `forget`."""
    report = Report()
    async with house.open_database() as connection:
        await share_list(house, connection)
        report.listed = len(await house.bridge.run(forgetting.listed, connection))
        call_ids = await house.bridge.run(forgetting.calls_listed, connection)
        await _forget_calls(house, redis_url, connection, call_ids, report)
    return report


async def preview(house: House, target: Target | None) -> Report:
    """What forgetting a target would clear, or applying the list (None). Nothing is changed, nothing is listed."""
    report = Report()
    async with house.open_database() as connection:
        if target is None:
            call_ids = await house.bridge.run(forgetting.calls_listed, connection)
        else:
            call_ids = await house.bridge.run(forgetting.calls_of, connection, target)
        for batch in batches(call_ids):
            report.removed += await house.bridge.run(forgetting.count, connection, batch)
            report.recordings += len(await house.bridge.run(forgetting.sounds_of, connection, batch))
        report.files = len(await trio.to_thread.run_sync(_files_of, house, frozenset(call_ids)))
    return report


async def _forget_calls(
    house: House, redis_url: str, connection: psycopg.AsyncConnection, call_ids: Sequence[str], report: Report
) -> None:
    report.removed = await clear_all(house, connection, call_ids)
    mine = await trio.to_thread.run_sync(_files_of, house, frozenset(call_ids))
    report.files += await trio.to_thread.run_sync(files.delete_all, house.recordings, mine)
    try:
        report.recordings = await delete_sounds(house, connection, None)
        await _name_unreachable(house, connection, call_ids, report)
    except ServiceError as error:
        report.problems.append(str(error))
    if redis_url and call_ids:
        try:
            report.redis_keys, report.up = await forget_in_redis(redis_url, call_ids, house.bridge)
        except ServiceError as error:
            report.problems.append(str(error))


async def _name_unreachable(
    house: House, connection: psycopg.AsyncConnection, call_ids: Sequence[str], report: Report
) -> None:
    left: list[KeptSound] = []
    for batch in batches(call_ids):
        left += await house.bridge.run(forgetting.sounds_of, connection, batch)
    if left:
        report.problems.append(f"S3: {len(left)} recordings are there: set RECORDING_S3_URL, then forget --again")


async def _forget_damaged(house: House, target: Target, report: Report) -> int:
    def is_meant(entry: Entry) -> bool:
        if target.kind == "call":
            return entry.call_id == target.value
        if target.kind == "number":
            return number_key(getattr(entry, "number", "")) == target.value
        return getattr(entry, "opened_at", target.before) < target.before

    try:
        return await trio.to_thread.run_sync(forget_in_damaged, house.data_dir, is_meant)
    except OSError as error:
        report.problems.append(f"{error.filename}: {error.strerror}: a damaged file of the spool may still name them")
        return 0


def _files_of(house: House, call_ids: frozenset[str]) -> list[str]:
    return [file for file in files.every_file(house.recordings) if files.call_of(file) in call_ids]
