"""A dialog backend for these tests whose engine reads no line any more from the first question on; its clock goes on,
and it talks on. Engines find it as the plug-in `deaf` (`write_plugin`)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import trio

from backends.dialog.fixed import MONOLOGUE, MONOLOGUE_SENTENCES, TimedReply, events_of
from callengine.media import port
from callengine.ports.bridge import Bridge
from callengine.ports.reasoning import Reply, ReplyRequest


def _read_nothing(_port: port.SocketPort, _buffer: memoryview) -> int:
    return -1


@dataclass(frozen=True, slots=True)
class DeafDialog:
    """The port's `Dialog`."""

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_reply(self, request: ReplyRequest) -> AsyncIterator[Reply]:
        port.SocketPort.recv_nowait = _read_nothing  # type: ignore[method-assign, assignment]
        yield TimedReply(events_of([MONOLOGUE["ru"]] * MONOLOGUE_SENTENCES), 0.0, 0.0)


@asynccontextmanager
async def open_dialog(settings: Any, bridge: Bridge | None) -> AsyncIterator[DeafDialog]:
    """The entry point."""
    await trio.lowlevel.checkpoint()
    yield DeafDialog()
