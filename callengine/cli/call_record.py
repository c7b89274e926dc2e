"""What the engine's record says of the call that was just placed: how it ended, what it took, used and costs."""

import json
import os
from collections.abc import Mapping
from uuid import UUID

import httpx
import trio
import typer

from callengine.api.records import CallView
from callengine.demo.record import END_SECONDS, POLL_SECONDS, read_record
from callengine.errors import ServiceError
from callengine.shown_use import stage_lines, stage_spreads, use_lines


async def read_closed(api: str, call_id: UUID) -> CallView:
    """The record of a call once it has the call's end. Raises ServiceError."""
    url = f"{api.rstrip('/')}/api/v1/calls/{call_id}"
    record: CallView | None = None
    with trio.move_on_after(END_SECONDS):
        async with httpx.AsyncClient(trust_env=False, headers=_authorization(os.environ)) as client:
            while record is None or record.closed_at is None:
                record = await read_record(client, url)
                await trio.sleep(POLL_SECONDS)
    if record is None or record.closed_at is None:
        raise ServiceError(f"the record has no end of the call after {END_SECONDS:g} s: {url}")
    return record


def tell_words(record: CallView) -> None:
    """In words, a line each."""
    typer.echo(f"record: {record.outcome} after {record.seconds or 0:.1f} s")
    for line in (*stage_lines(stage_spreads(record.turns)), *use_lines(record.used or (), record.cost_usd)):
        typer.echo(line)


def tell_json(record: CallView) -> None:
    """As one JSON object."""
    told = {
        "event": "record",
        "outcome": record.outcome,
        "seconds": record.seconds,
        "stages": dict(stage_spreads(record.turns)),
        "used": [used.model_dump() for used in record.used or ()],
        "cost_usd": record.cost_usd and record.cost_usd.model_dump(),
    }
    typer.echo(json.dumps(told, ensure_ascii=False))


def _authorization(environ: Mapping[str, str]) -> dict[str, str]:
    token = environ.get("API_READ_TOKEN") or environ.get("API_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}
