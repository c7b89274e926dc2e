"""Clearing what is personal out of the record, and deleting what is old: small transactions, on the asyncio side.

Counts, times and costs stay. A call that was forgotten keeps the time of it, and whatever is written of it later, from
a spool or by a call that is up still, is cleared in the transaction that writes it."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

import psycopg

from callengine.ports.forgetting import Forgotten, KeptSound, Removed, Target
from callengine.services.journal_filters import NUMBER_KEY

BATCH_CALLS = 200  # a transaction's worth: some ten milliseconds of a small database

_CONDITIONS: dict[str, LiteralString] = {
    # whoever asked to be called back at a number has said it, whatever number they called from
    "number": "(call_id IN (SELECT call_id FROM calls WHERE "  # noqa: S608 - our own expression
    + NUMBER_KEY
    + " = %(value)s UNION ALL"
    " SELECT call_id FROM callbacks WHERE " + NUMBER_KEY + " = %(value)s))",
    "call": "call_id = %(value)s",
    "age": "true",
}
# A call is on the list by its number, by a number to call back, by its id or by its age.
_LISTED: LiteralString = f"""(
EXISTS (SELECT FROM forget_list f WHERE f.kind = 'age' AND calls.opened_at < f.before)
OR EXISTS (SELECT FROM (SELECT DISTINCT salt FROM forget_list) s JOIN forget_list f ON f.salt = s.salt
    AND f.kind = 'call' AND f.hash = encode(sha256(convert_to(s.salt || call_id, 'UTF8')), 'hex')
    WHERE calls.opened_at < f.before)
OR EXISTS (SELECT FROM (SELECT {NUMBER_KEY} AS key
        UNION ALL SELECT right(regexp_replace(c.number, '[^0-9]+', '', 'g'), 10)
        FROM callbacks c WHERE c.call_id = calls.call_id) k
    JOIN (SELECT DISTINCT salt FROM forget_list) s ON k.key <> ''
    JOIN forget_list f ON f.salt = s.salt
    AND f.kind = 'number' AND f.hash = encode(sha256(convert_to(s.salt || k.key, 'UTF8')), 'hex')
    WHERE calls.opened_at < f.before))"""  # noqa: S608 - our own expression
_CLEAR: Sequence[tuple[str, LiteralString]] = (
    (
        "calls",
        """UPDATE calls SET number = '', name = '', fields = '{}', channel = '', summary = '',
forgotten_at = coalesce(forgotten_at, now()) WHERE call_id = ANY(%s)""",
    ),
    ("turns", "UPDATE turns SET text = '' WHERE call_id = ANY(%s) AND text <> ''"),
    (
        "tools",
        """UPDATE tool_calls SET arguments = '{}', result = '' WHERE call_id = ANY(%s)
AND (arguments <> '{}' OR result <> '')""",
    ),
    (
        "callbacks",
        """UPDATE callbacks SET number = '', name = '', about = '', due = '' WHERE call_id = ANY(%s)
AND (number, name, about, due) <> ('', '', '', '')""",
    ),
)
_COUNT: LiteralString = """SELECT count(*), (SELECT count(*) FROM turns WHERE call_id = ANY(%(ids)s)),
(SELECT count(*) FROM tool_calls WHERE call_id = ANY(%(ids)s)),
(SELECT count(*) FROM callbacks WHERE call_id = ANY(%(ids)s)) FROM calls WHERE call_id = ANY(%(ids)s)"""
_NOTE: LiteralString = """INSERT INTO forget_list (kind, salt, hash, before, noted_at)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"""
_NO_SOUND_LEFT: LiteralString = (
    "NOT EXISTS (SELECT FROM recordings r WHERE r.call_id = calls.call_id AND r.url <> '' AND r.deleted_at IS NULL)"
)

Connection = psycopg.AsyncConnection


async def calls_of(connection: Connection, target: Target) -> list[str]:
    """The calls that are meant and were not forgotten yet, the oldest first."""
    query: LiteralString = "SELECT call_id FROM calls WHERE forgotten_at IS NULL AND opened_at < %(before)s AND "
    parameters = {"before": target.before, "value": target.value}
    found = await connection.execute(query + _CONDITIONS[target.kind] + " ORDER BY opened_at, call_id", parameters)
    return [row[0] for row in await found.fetchall()]


async def calls_listed(connection: Connection) -> list[str]:
    """The calls that are on the forget list and have something to forget, the oldest first."""
    query: LiteralString = "SELECT call_id FROM calls WHERE forgotten_at IS NULL AND "
    found = await connection.execute(query + _LISTED + " ORDER BY opened_at, call_id")
    return [row[0] for row in await found.fetchall()]


async def count(connection: Connection, call_ids: Sequence[str]) -> Removed:
    """What clearing these calls would clear."""
    found = await (await connection.execute(_COUNT, {"ids": list(call_ids)})).fetchone()
    assert found is not None
    return Removed(*found)


async def clear(connection: Connection, call_ids: Sequence[str]) -> Removed:
    """Clear these calls, in one transaction: no more than BATCH_CALLS at a time."""
    async with connection.transaction(), connection.cursor() as cursor:
        return await _clear(cursor, call_ids)


async def clear_written(cursor: psycopg.AsyncCursor, call_ids: Sequence[str]) -> None:
    """What was just written of calls that are forgotten is cleared within the same transaction."""
    query: LiteralString = "SELECT call_id FROM calls WHERE call_id = ANY(%s) AND (forgotten_at IS NOT NULL OR "
    found = await cursor.execute(query + _LISTED + ")", (list(call_ids),))
    if forgotten := [row[0] for row in await found.fetchall()]:
        await _clear(cursor, forgotten)


async def _clear(cursor: psycopg.AsyncCursor, call_ids: Sequence[str]) -> Removed:
    cleared = {}
    for what, statement in _CLEAR:
        await cursor.execute(statement, (list(call_ids),))
        cleared[what] = cursor.rowcount
    return Removed(**cleared)


async def note(connection: Connection, entries: Sequence[Forgotten]) -> None:
    """Put entries on the list, where they are not on it yet."""
    rows = [(entry.kind, entry.salt, entry.hash, entry.before, entry.noted_at) for entry in entries]
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.executemany(_NOTE, rows)


async def listed(connection: Connection) -> list[Forgotten]:
    """The list as the database has it."""
    found = await connection.execute("SELECT kind, salt, hash, before, noted_at FROM forget_list ORDER BY noted_at")
    return [Forgotten(*row) for row in await found.fetchall()]


async def forgotten_among(connection: Connection, call_ids: Sequence[str]) -> set[str]:
    """Those of these calls that are forgotten."""
    query = "SELECT call_id FROM calls WHERE forgotten_at IS NOT NULL AND call_id = ANY(%s)"
    return {row[0] for row in await (await connection.execute(query, (list(call_ids),))).fetchall()}


async def sounds_of(connection: Connection, call_ids: Sequence[str]) -> list[KeptSound]:
    """The recordings of these calls."""
    query = "SELECT call_id, file, url FROM recordings WHERE deleted_at IS NULL AND call_id = ANY(%s)"
    return [KeptSound(*row) for row in await (await connection.execute(query, (list(call_ids),))).fetchall()]


async def sounds_to_delete(connection: Connection, before: datetime | None, *, in_bucket: bool) -> list[KeptSound]:
    """Recordings of forgotten calls, and those that began before a time, some of the oldest; those in a bucket only
    where that can be reached."""
    query = """SELECT r.call_id, r.file, r.url FROM recordings r JOIN calls c USING (call_id) WHERE r.deleted_at IS NULL
AND (c.forgotten_at IS NOT NULL OR r.began < %s) AND (%s OR r.url = '') ORDER BY r.began LIMIT %s"""
    found = await connection.execute(query, (before, in_bucket, BATCH_CALLS))
    return [KeptSound(*row) for row in await found.fetchall()]


async def note_deleted(connection: Connection, sounds: Sequence[KeptSound]) -> None:
    """The recordings are no more."""
    async with connection.transaction(), connection.cursor() as cursor:
        statement = "UPDATE recordings SET deleted_at = now(), url = '' WHERE call_id = %s AND file = %s"
        await cursor.executemany(statement, [(sound.call_id, sound.file) for sound in sounds])


async def try_lock(connection: Connection, number: int) -> bool:
    """Take an advisory lock for as long as the connection lives; False where somebody has it."""
    found = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", (number,))).fetchone()
    return bool(found and found[0])


async def delete_calls(connection: Connection, before: datetime) -> int:
    """Delete some of the calls that were opened before a time, with all that belongs to them; how many. One whose
    recording is in S3 stays until that is gone."""
    query: LiteralString = "DELETE FROM calls WHERE call_id IN (SELECT call_id FROM calls WHERE opened_at < %s AND "
    query += _NO_SOUND_LEFT + " ORDER BY opened_at LIMIT %s)"
    return (await connection.execute(query, (before, BATCH_CALLS))).rowcount
