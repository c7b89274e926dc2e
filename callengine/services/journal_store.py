"""The record's statements, on the asyncio side: one transaction per batch, and reading for the API."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import structlog

from callengine.ports.calls_wanted import CallsWanted
from callengine.ports.journal import CallbackRequested, CallClosed, CallRecord, Entry
from callengine.services.forgetting import clear_written
from callengine.services.journal_filters import conditions
from callengine.services.journal_numbers import BESIDE, Numbered, moment_of
from callengine.services.journal_rows import (
    COUNT_CALLS,
    NEWEST_CALLS,
    SELECT_CALL,
    SELECT_CALLBACKS,
    SELECT_CALLBACKS_OF,
    SELECT_CALLS,
    SELECT_LAG,
    SELECT_MOMENT,
    SELECT_RECORDINGS,
    SELECT_TOOLS,
    SELECT_TURNS,
    WRITES,
    callback_of,
    record_of,
    row_of,
)

Options = dict[str, str]
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)

log = structlog.get_logger(__name__)


# SQLSTATE classes that say an entry can never be written as it is: data, integrity, limits (PostgreSQL appendix A).
_REFUSALS = ("22", "23", "54")


class UnknownCallError(psycopg.IntegrityError):
    """A call ended that was never opened: like a foreign key that is not there."""


async def connect(options: Options) -> psycopg.AsyncConnection:
    """A connection in autocommit mode; transactions are opened by those who need them."""
    return await psycopg.AsyncConnection.connect(**options, autocommit=True)  # type: ignore[arg-type]


async def write(connection: psycopg.AsyncConnection, entries: Sequence[Entry]) -> None:
    """Write entries in one transaction: all of them or none."""
    async with connection.transaction(), connection.cursor() as cursor:
        for kind, statement in WRITES:
            mine = [entry for entry in entries if isinstance(entry, kind)]
            if not mine:
                continue
            await cursor.executemany(statement, [row_of(entry) for entry in mine])
            if cursor.rowcount < len(mine):
                await _look_after(cursor, statement, mine)
        await clear_written(cursor, sorted({entry.call_id for entry in entries}))


async def _look_after(cursor: psycopg.AsyncCursor, statement: str, entries: Sequence[Entry]) -> None:
    """Some of these entries, which are of one kind, have changed nothing."""
    ends = {entry.call_id for entry in entries if isinstance(entry, CallClosed)}
    if ends:
        await _check_known(cursor, ends)
    for entry in entries:
        if isinstance(entry, Numbered):
            await _write_beside(cursor, statement, entry)


async def _write_beside(cursor: psycopg.AsyncCursor, statement: str, entry: Numbered) -> None:
    """An entry that may not be in the record, for its number is taken: by itself, or by another."""
    beside = entry
    while not (await cursor.execute(statement, row_of(beside))).rowcount:
        found = await (await cursor.execute(SELECT_MOMENT[type(entry)], (entry.call_id, beside.sequence))).fetchone()
        if found is not None and found[0] == moment_of(entry):
            return
        if found is not None:
            beside = replace(beside, sequence=beside.sequence + BESIDE)
    log.warning("another entry of the record had this number", call_id=entry.call_id, sequence=entry.sequence)


async def _check_known(cursor: psycopg.AsyncCursor, call_ids: set[str]) -> None:
    """An end that changed nothing was an older one, or that of a call which was never opened."""
    found = await (await cursor.execute(COUNT_CALLS, (list(call_ids),))).fetchone()
    if found is None or found[0] < len(call_ids):
        raise UnknownCallError("a call ended that was never opened")


def is_refusal(error: Exception) -> bool:
    """Whether trying again is useless: the fault is the entry's, not the database's."""
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError | RecursionError):
        return True
    return isinstance(error, psycopg.Error) and (error.sqlstate or "")[:2] in _REFUSALS


async def ping(options: Options) -> None:
    """Ask the database one thing."""
    async with await connect(options) as connection:
        await connection.execute("SELECT 1 FROM calls LIMIT 1")


async def replica_lag(options: Options) -> float:
    """By how many seconds a standby is behind its primary; without a stream to it, since what it has replayed last."""
    async with await connect(options) as connection:
        found = await (await connection.execute(SELECT_LAG)).fetchone()
    return float(found[0]) if found else math.inf


async def read_call(options: Options, call_id: str) -> CallRecord | None:
    """One call with its turns and tool calls, as of one moment."""
    async with await connect(options) as connection, connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        found = await (await connection.execute(SELECT_CALL, (call_id,))).fetchone()
        if found is None:
            return None
        turns = await (await connection.execute(SELECT_TURNS, (call_id,))).fetchall()
        tools = await (await connection.execute(SELECT_TOOLS, (call_id,))).fetchall()
        callbacks = await (await connection.execute(SELECT_CALLBACKS_OF, (call_id,))).fetchall()
        recordings = await (await connection.execute(SELECT_RECORDINGS, (call_id,))).fetchall()
    return record_of(found, turns, tools, callbacks, recordings)


async def read_calls(options: Options, limit: int, wanted: CallsWanted) -> list[CallRecord]:
    """The newest calls that are wanted, without turns and tool calls."""
    where, parameters = conditions(wanted)
    async with await connect(options) as connection:
        cursor = await connection.execute(f"{SELECT_CALLS} {where} {NEWEST_CALLS}", (*parameters, limit))
        return [record_of(row) for row in await cursor.fetchall()]


async def read_callbacks(options: Options, limit: int, before: datetime | None) -> list[CallbackRequested]:
    """The newest requests to be called back."""
    async with await connect(options) as connection:
        cursor = await connection.execute(SELECT_CALLBACKS, (before or _END_OF_TIME, limit))
        return [callback_of(row) for row in await cursor.fetchall()]
