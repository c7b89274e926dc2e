"""A dialog backend for these tests that takes its time, so that a caller can leave in the middle of anything.

The caller's field `do` says with what: `thinking` is an answer that never comes, `tool` asks the Store for its opening
hours, `speaking` is half an hour of talk. Engines find it as the plug-in `dawdling` (`write_plugin`)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
import trio

from backends.dialog.fixed import MONOLOGUE, MONOLOGUE_SENTENCES, TimedReply, events_of
from callengine.ports.bridge import Bridge
from callengine.ports.reasoning import Reply, ReplyRequest
from callengine.ports.tools import ToolCall

ASKED = "the dialog is asked"  # in the engine's log, with the call's id
HALF_AN_HOUR = 1800.0

log = structlog.get_logger("callengine.tests")  # a name whose level is the engine's


@dataclass(frozen=True, slots=True)
class DawdlingDialog:
    """The port's `Dialog`."""

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_reply(self, request: ReplyRequest) -> AsyncIterator[Reply]:
        log.info(ASKED, call_id=request.caller.call_id)
        match request.caller.fields.get("do", ""):
            case "thinking":
                yield TimedReply(events_of("Нашлось."), HALF_AN_HOUR, 0.0)
            case "tool":
                yield TimedReply(events_of([ToolCall("call-1", "opening_hours", {})]), 0.0, 0.0)
            case _:
                yield TimedReply(events_of([MONOLOGUE["ru"]] * MONOLOGUE_SENTENCES), 0.0, 0.0)


@asynccontextmanager
async def open_dialog(settings: Any, bridge: Bridge | None) -> AsyncIterator[DawdlingDialog]:
    """The entry point."""
    await trio.lowlevel.checkpoint()
    yield DawdlingDialog()
