"""A record to forget something of, and what must be left of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg

from callengine.buckets import bucket_of
from callengine.config import load_settings
from callengine.housekeeping import House
from callengine.ports.calls_wanted import number_key
from callengine.ports.forgetting import Target
from callengine.ports.journal import (
    CallbackRequested,
    CallClosed,
    CallOpened,
    CallRecord,
    Entry,
    RecordingKept,
    ToolRecorded,
    TurnRecorded,
)
from callengine.ports.usage import Used
from callengine.recording.files import file_of
from callengine.services.bridge import open_bridge
from callengine.services.database import connection_options
from callengine.services.journal import open_journal
from tests.s3 import S3

NOW = datetime.now(UTC).replace(microsecond=0)
NUMBER = "+7 916 123-45-67"
LEFT = r"Иван|916\D*123\D*45\D*67"  # the whole number: three of its digits are in one of many times of day
NOBODY = "postgresql://nobody@127.0.0.1:1/x"
BILL = (Used("llm", "claude", input_tokens=100, output_tokens=5, usd=Decimal("0.01")),)


def call(call_id: str, number: str = NUMBER, opened_at: datetime = NOW - timedelta(hours=1)) -> list[Entry]:
    """A whole call, personal all over."""
    file = file_of(call_id, 1, opened_at)
    return [
        CallOpened(call_id, "node-1", opened_at, "ru-RU", number, "Иван", "100", {"card": "4711"}, "PJSIP/ivan-1"),
        TurnRecorded(call_id, 1, "caller", "Меня зовут Иван", 0.5, 1.5, used=BILL),
        ToolRecorded(call_id, 2, "find", {"phone": number}, '{"name": "Иван"}', False, 1.6, 0.2),
        TurnRecorded(call_id, 3, "agent", "Здравствуйте, Иван", 2.0, 3.0),
        CallbackRequested(call_id, 4, opened_at, number, "Иван", "шины", "завтра"),
        RecordingKept(call_id, file, "node-1", opened_at, 60.0),
        CallClosed(call_id, opened_at + timedelta(minutes=1), 60.0, "transferred", "", "operator", "Иван, шины", BILL),
    ]


@asynccontextmanager
async def house_at(url: str, folder: Path, s3: S3 | None = None) -> AsyncIterator[House]:
    bucket = None if s3 is None else bucket_of(load_settings(s3.settings))
    async with open_bridge() as bridge:
        yield House(connection_options(url), bridge, folder, bucket)


async def write(house: House, url: str, *calls: list[Entry]) -> None:
    async with open_journal(url, house.bridge) as journal:
        for entry in (entry for one in calls for entry in one):
            journal.record_nowait(entry)
        await journal.flush()


async def read(house: House, url: str, call_id: str) -> CallRecord | None:
    async with open_journal(url, house.bridge) as journal:
        return await journal.call(call_id)


async def assert_forgotten(house: House, url: str, call_id: str) -> None:
    """Nothing personal is left of a call; its counts, times and costs are."""
    record = await read(house, url, call_id)
    whole = call(call_id, opened_at=record.opened.opened_at if record else NOW)
    assert record is not None and record.closed is not None
    opened = record.opened
    assert (opened.number, opened.name, opened.fields, opened.channel) == ("", "", {}, "")
    assert (opened.node, opened.language, opened.called) == ("node-1", "ru-RU", "100")
    assert [(turn.role, turn.text, turn.started) for turn in record.turns] == [("caller", "", 0.5), ("agent", "", 2.0)]
    assert record.turns[0].used == BILL
    assert [(tool.name, tool.arguments, tool.result, tool.seconds) for tool in record.tools] == [("find", {}, "", 0.2)]
    assert [(one.number, one.name, one.about, one.when) for one in record.callbacks] == [("", "", "", "")]
    closed = whole[-1]
    assert isinstance(closed, CallClosed)
    assert (record.closed.seconds, record.closed.outcome, record.closed.summary) == (60.0, "transferred", "")
    assert (record.closed.used, record.closed.closed_at) == (BILL, closed.closed_at)
    with psycopg.connect(url) as connection:
        left = connection.execute(
            "SELECT count(*) FROM calls c LEFT JOIN turns t USING (call_id) LEFT JOIN tool_calls o USING (call_id)"
            " WHERE call_id = %s AND (c::text || t::text || o::text) ~ %s",
            (call_id, LEFT),
        ).fetchone()
    assert left == (0,)


def of_number(number: str = NUMBER) -> Target:
    return Target("number", number_key(number), datetime.now(UTC))


def recorded(folder: Path, *calls: list[Entry]) -> list[Path]:
    """Their recordings as files."""
    found = []
    for entry in (entry for one in calls for entry in one):
        if isinstance(entry, RecordingKept):
            path = folder / "recordings" / entry.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"RIFF")
            found.append(path)
    return found


def in_s3(house: House, whole: list[Entry], path: Path) -> list[Entry]:
    """The call with its recording in the bucket."""
    assert house.bucket is not None
    kept = whole[5]
    assert isinstance(kept, RecordingKept)
    url = house.bucket.put(path, kept.file)
    return [*whole[:5], RecordingKept(kept.call_id, kept.file, kept.node, kept.began, kept.seconds, url), whole[6]]


async def _count(connection: psycopg.AsyncConnection) -> int:
    found = await (await connection.execute("SELECT count(*) FROM calls")).fetchone()
    assert found is not None
    return int(found[0])


async def count_calls(house: House) -> int:
    async with house.open_database() as connection:
        return await house.bridge.run(_count, connection)
