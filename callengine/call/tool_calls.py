"""The tools that one answer asks for: run all at once, and in the record whatever becomes of the call.

A cancelled answer (the caller goes on, or hangs up) cancels what only reads. A write that has been sent is waited for,
within WRITE_SECONDS, and its result enters history and record all the same (DESIGN 4.10)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import trio

from callengine.call.handover import run_built_in
from callengine.call.history import History
from callengine.call.keeping import keep
from callengine.call.parts import Call
from callengine.call.record import Record, ToolAsked
from callengine.ports.reasoning import BUILT_IN
from callengine.ports.tools import ToolCall, ToolResult

WRITE_SECONDS = 10.0  # longer than a toolbox's own deadline: only for one that has none

NO_ANSWER = '{"error": "no answer; it may have been carried out"}'


async def run_tools(call: Call, wanted: Sequence[ToolCall], history: History, record: Record) -> bool:
    """Run them; the history has their results in the order they were asked for, behind what they were asked for.
    Returns whether all went well.

    Where the answer is cancelled meanwhile it has the writes alone: what was looked up will be looked up again."""
    writing = {spec.name for spec in (*call.services.toolbox.specs, *BUILT_IN) if spec.writes}
    place = len(history.items)
    asked = [record.tool_asked(tool, trio.current_time()) for tool in wanted]
    batch = _Batch(call, history, record)
    cancelled = True
    try:
        async with trio.open_nursery() as nursery:
            for one in asked:
                nursery.start_soon(_run_write if one.call.name in writing else _run_read, batch, one)
        await trio.lowlevel.checkpoint_if_cancelled()
        cancelled = False
    finally:
        done = [(tool, batch.results[tool.id]) for tool in wanted if tool.id in batch.results]
        written = [tool.id for tool in wanted if tool.name in writing]
        history.tools(place, [pair for pair in done if pair[0].id in written or not cancelled], written)
        if written:
            keep(call, history, record)
    return not any(result.is_error for result in batch.results.values())


@dataclass(frozen=True, slots=True)
class _Batch:
    """The tools of one round, and what has come of them."""

    call: Call
    history: History
    record: Record
    results: dict[str, ToolResult] = field(default_factory=dict)


async def _run_read(batch: _Batch, asked: ToolAsked) -> None:
    try:
        batch.results[asked.call.id] = await _run(batch, asked)
    finally:
        batch.record.tool_ended(asked, batch.results.get(asked.call.id), trio.current_time())


async def _run_write(batch: _Batch, asked: ToolAsked) -> None:
    try:
        await trio.lowlevel.checkpoint_if_cancelled()
        keep(batch.call, batch.history, batch.record)
        batch.results[asked.call.id] = ToolResult(asked.call.id, NO_ANSWER, is_error=True)
        with trio.move_on_after(WRITE_SECONDS, shield=True):
            batch.results[asked.call.id] = await _run(batch, asked)
    finally:
        batch.record.tool_ended(asked, batch.results.get(asked.call.id), trio.current_time())


async def _run(batch: _Batch, asked: ToolAsked) -> ToolResult:
    call = batch.call
    if (result := run_built_in(call, asked, batch.history, batch.record)) is not None:
        await trio.lowlevel.checkpoint()
        return result
    return await call.services.toolbox.run(asked.call, call.caller)
