"""A dialog backend for these tests: it does what the caller's field `do` asks, so that a test picks how a call ends.

`transfer:NAME` hands the caller over at the first thing they say, `hangup` ends the call there, `fail` breaks it;
without the field it talks on. Engines find it as the plug-in `obedient` (`write_plugin`)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from backends.dialog.fixed import TimedReply, events_of
from callengine.errors import ReasoningError
from callengine.ports.bridge import Bridge
from callengine.ports.reasoning import END_CALL, TRANSFER, Reply, ReplyRequest
from callengine.ports.tools import ToolCall

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class ObedientDialog:
    """The port's `Dialog`."""

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_reply(self, request: ReplyRequest) -> AsyncIterator[Reply]:
        yield TimedReply(events_of(_reply_to(request.caller.fields.get("do", ""))), 0.0, 0.0)


def _reply_to(order: str) -> list[str | ToolCall | ReasoningError]:
    if order == "fail":
        return [ReasoningError("told to", retryable=False)]
    if order.startswith("transfer:"):
        return ["Одну минуту.", ToolCall("call-1", TRANSFER.name, {"target": order.removeprefix("transfer:")})]
    if order == "hangup":
        return ["До свидания.", ToolCall("call-1", END_CALL.name, {})]
    return ["Я слушаю вас."]


@asynccontextmanager
async def open_dialog(settings: Any, bridge: Bridge | None) -> AsyncIterator[ObedientDialog]:
    """The entry point."""
    await trio.lowlevel.checkpoint()
    yield ObedientDialog()


def write_plugin(folder: Path, name: str = "obedient") -> str:
    """Make the dialog of the module `name` beside this one known to a Python that has this PYTHONPATH, given back."""
    write_entry_points(folder, name, f"[callengine.dialog]\n{name} = tests.asterisk.{name}:open_dialog\n")
    return f"{ROOT}:{folder}"


def write_entry_points(folder: Path, name: str, entry_points: str) -> None:
    """Make a package of this name, with nothing but entry points (the text of `entry_points.txt`)."""
    known = folder / f"{name}-0.dist-info"
    known.mkdir(parents=True, exist_ok=True)
    (known / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n")
    (known / "entry_points.txt").write_text(entry_points)
