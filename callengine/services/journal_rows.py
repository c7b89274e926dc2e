"""The record's entries as rows of the database, and back."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from psycopg.types.json import Jsonb

from callengine.ports.journal import (
    CallbackRequested,
    CallClosed,
    CallerFound,
    CallOpened,
    CallRecord,
    Entry,
    RecordingKept,
    ToolRecorded,
    TurnRecorded,
)
from callengine.ports.usage import SERVICES, cost_by_service
from callengine.services.journal_use import bill_of, packed_bill

Row = tuple[Any, ...]
Rows = Sequence[Row]

# Writing an entry again changes nothing: a commit whose answer was lost is simply repeated. A call began where it came
# first, though that node may say so last, from its spool.
INSERT_CALL = """INSERT INTO calls (call_id, node, opened_at, language, number, name, called, fields, channel)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (call_id) DO UPDATE SET node = EXCLUDED.node, opened_at = EXCLUDED.opened_at
WHERE calls.opened_at > EXCLUDED.opened_at"""
NAME_CALLER = "UPDATE calls SET number = %s, name = %s, called = %s, channel = %s WHERE call_id = %s"
INSERT_TURN = """INSERT INTO turns (call_id, sequence, role, text, started, ended, interrupted, timings, used)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (call_id, sequence) DO NOTHING"""
INSERT_TOOL = """INSERT INTO tool_calls (call_id, sequence, name, arguments, result, is_error, started, seconds)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (call_id, sequence) DO NOTHING"""
INSERT_CALLBACK = """INSERT INTO callbacks (call_id, sequence, requested_at, number, name, about, due)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (call_id, sequence) DO NOTHING"""
# Of a call that retention has removed meanwhile nothing is to be known any more.
KEEP_RECORDING = """INSERT INTO recordings (call_id, file, node, began, seconds, url)
SELECT call_id, %s, %s, %s, %s, %s FROM calls WHERE call_id = %s
ON CONFLICT (call_id, file) DO UPDATE SET url = EXCLUDED.url, deleted_at = NULL"""
# The last end counts: a call that was handed over ends again on the node that took it, and what the first node says of
# it may come later still, from its spool.
CLOSE_CALL = """UPDATE calls SET closed_at = %s, seconds = %s, outcome = %s, detail = %s, target = %s, summary = %s,
used = %s, stt_usd = %s, llm_usd = %s, tts_usd = %s WHERE call_id = %s AND (closed_at IS NULL OR closed_at <= %s)"""
COUNT_CALLS = "SELECT count(*) FROM calls WHERE call_id = ANY(%s)"
# What tells an entry of a number from another of the same number: see `moment_of`.
SELECT_MOMENT: dict[type, str] = {
    TurnRecorded: "SELECT started FROM turns WHERE call_id = %s AND sequence = %s",
    ToolRecorded: "SELECT started FROM tool_calls WHERE call_id = %s AND sequence = %s",
    CallbackRequested: "SELECT requested_at FROM callbacks WHERE call_id = %s AND sequence = %s",
}

# The order in which kinds are written inside one transaction; within a kind the entries keep their own order.
WRITES: tuple[tuple[type, str], ...] = (
    (CallOpened, INSERT_CALL),
    (CallerFound, NAME_CALLER),
    (TurnRecorded, INSERT_TURN),
    (ToolRecorded, INSERT_TOOL),
    (CallbackRequested, INSERT_CALLBACK),
    (RecordingKept, KEEP_RECORDING),
    (CallClosed, CLOSE_CALL),
)

_CALL_COLUMNS = """call_id, node, opened_at, language, number, name, called, fields, channel,
closed_at, seconds, outcome, detail, target, summary, used"""
SELECT_CALL = f"SELECT {_CALL_COLUMNS} FROM calls WHERE call_id = %s"  # noqa: S608 - our own column names
SELECT_CALLS = f"SELECT {_CALL_COLUMNS} FROM calls"  # noqa: S608 - our own column names
NEWEST_CALLS = "ORDER BY opened_at DESC, call_id DESC LIMIT %s"
SELECT_TURNS = """SELECT call_id, sequence, role, text, started, ended, interrupted, timings, used
FROM turns WHERE call_id = %s ORDER BY sequence"""
SELECT_TOOLS = """SELECT call_id, sequence, name, arguments, result, is_error, started, seconds
FROM tool_calls WHERE call_id = %s ORDER BY sequence"""
_CALLBACK_COLUMNS = "call_id, sequence, requested_at, number, name, about, due"
SELECT_CALLBACKS_OF = f"""SELECT {_CALLBACK_COLUMNS} FROM callbacks
WHERE call_id = %s ORDER BY sequence"""  # noqa: S608 - our own column names
SELECT_CALLBACKS = f"""SELECT {_CALLBACK_COLUMNS} FROM callbacks WHERE requested_at < %s
ORDER BY requested_at DESC, call_id DESC, sequence DESC LIMIT %s"""  # noqa: S608 - our own column names

# Of a forgotten call nothing is to be heard, though a bucket that is away has it still.
SELECT_RECORDINGS = """SELECT call_id, file, recordings.node, began, recordings.seconds, url
FROM recordings JOIN calls USING (call_id)
WHERE call_id = %s AND deleted_at IS NULL AND forgotten_at IS NULL ORDER BY began, file"""

# A primary that nothing is written to sends no transactions: who has replayed all that came is not behind.
SELECT_LAG = """SELECT CASE WHEN NOT pg_is_in_recovery() THEN 0
WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0
ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 'infinity') END"""


def row_of(entry: Entry) -> Row:
    """The parameters of the entry's statement in WRITES. Text that PostgreSQL cannot hold is made to fit, so that no
    caller's odd byte can stop the record."""
    match entry:
        case CallOpened():
            who = (entry.node, entry.opened_at, entry.language, entry.number, entry.name, entry.called)
            row: Row = (entry.call_id, *who, Jsonb(_storable(entry.fields), dumps=_dumps), entry.channel)
        case CallerFound():
            row = (entry.number, entry.name, entry.called, entry.channel, entry.call_id)
        case TurnRecorded():
            times = (entry.started, entry.ended, entry.interrupted)
            timings = Jsonb(_storable(entry.timings), dumps=_dumps)
            row = (entry.call_id, entry.sequence, entry.role, entry.text, *times, timings, packed_bill(entry.used))
        case ToolRecorded():
            arguments = Jsonb(_storable(entry.arguments), dumps=_dumps)
            outcome = (entry.result, entry.is_error, entry.started, entry.seconds)
            row = (entry.call_id, entry.sequence, entry.name, arguments, *outcome)
        case CallbackRequested():
            wish = (entry.number, entry.name, entry.about, entry.when)
            row = (entry.call_id, entry.sequence, entry.requested_at, *wish)
        case RecordingKept():
            sound = (entry.file, entry.node, entry.began, entry.seconds, entry.url)
            row = (*sound, entry.call_id)
        case CallClosed():
            end = (entry.closed_at, entry.seconds, entry.outcome, entry.detail, entry.target, entry.summary)
            costs = cost_by_service(entry.used or ())
            row = (*end, packed_bill(entry.used), *map(costs.get, SERVICES), entry.call_id, entry.closed_at)
    return tuple(_storable_text(value) if isinstance(value, str) else value for value in row)


def record_of(
    row: Sequence[Any], turns: Rows = (), tools: Rows = (), callbacks: Rows = (), recordings: Rows = ()
) -> CallRecord:
    """A row of SELECT_CALL or SELECT_CALLS with what belongs to it."""
    call_id, node, opened_at, *rest = row[:9]
    opened = CallOpened(call_id, node, opened_at.astimezone(UTC), *rest)
    closed_at, seconds, outcome, detail, target, summary, used = row[9:]
    closed = None
    if closed_at is not None:
        bill = None if used is None else bill_of(used)
        closed = CallClosed(call_id, closed_at.astimezone(UTC), seconds, outcome, detail, target, summary, bill)
    return CallRecord(
        opened,
        closed,
        tuple(TurnRecorded(*(*turn[:-1], bill_of(turn[-1]))) for turn in turns),
        tuple(ToolRecorded(*tool) for tool in tools),
        tuple(callback_of(callback) for callback in callbacks),
        tuple(_recording_of(recording) for recording in recordings),
    )


def callback_of(row: Row) -> CallbackRequested:
    """A row of SELECT_CALLBACKS or SELECT_CALLBACKS_OF."""
    call_id, sequence, requested_at, *wish = row
    return CallbackRequested(call_id, sequence, requested_at.astimezone(UTC), *wish)


def _recording_of(row: Row) -> RecordingKept:
    call_id, file, node, began, *rest = row
    return RecordingKept(call_id, file, node, began.astimezone(UTC), *rest)


def _storable_text(text: str) -> str:
    """PostgreSQL's text holds no NUL, and UTF-8 no lone surrogate."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _storable(value: Any) -> Any:
    """JSON that jsonb takes: no NUL in strings, no NaN or infinity (RFC 8259 knows neither)."""
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_storable_text(str(name)): _storable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(part) for part in value]
    return value


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
