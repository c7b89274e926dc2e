"""Conversations as data: what a caller says, what the shop agent must ask of the Store and answer.

A file has `language`, `results` (a tool's answer by the tool's name, or by the name a turn gives in `result`) and
`turn`s: `caller` says this; then `tool` is called with `arguments`; `says` is part of what is answered.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from backends.dialog.scripted import ShopDialog
from callengine.ports.reasoning import END_CALL, TRANSFER, AgentSaid, CallerSaid, HistoryItem, ReplyRequest, TextDelta
from callengine.ports.tools import CallerContext, ToolCall, ToolResult, ToolSpec

FILES = sorted(Path(__file__).parent.glob("*.toml"))
STORE_TOOLS = ("find_products", "product_details", "order_status", "orders_by_phone", "opening_hours")
TOOLS = (END_CALL, TRANSFER, *(ToolSpec(name, "", {"type": "object"}) for name in STORE_TOOLS))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_conversation(path: Path) -> None:
    script = tomllib.loads(path.read_text(encoding="utf-8"))
    history: list[HistoryItem] = []
    for turn in script["turn"]:
        history.append(CallerSaid(turn["caller"]))
        text, call = await reply(history, script["language"])
        assert (call.name if call else None) == turn.get("tool"), (turn["caller"], text)
        if call is not None:
            assert call.arguments == turn["arguments"], turn["caller"]
        if call is not None and call.name in STORE_TOOLS:
            result = script["results"][turn.get("result", call.name)]
            history += [call, ToolResult(call.id, json.dumps(result, ensure_ascii=False), turn.get("is_error", False))]
            text, another = await reply(history, script["language"])
            assert another is None, turn["caller"]
        assert turn["says"] in text, turn["caller"]
        history.append(AgentSaid(text))


async def reply(history: list[HistoryItem], language: str) -> tuple[str, ToolCall | None]:
    request = ReplyRequest("", tuple(history), TOOLS, CallerContext("c", language))
    events: list[Any] = []
    async with ShopDialog().open_reply(request) as stream:
        while (event := await stream.receive()) is not None:
            events.append(event)
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    calls = [event for event in events if isinstance(event, ToolCall)]
    assert len(calls) <= 1
    return text, calls[0] if calls else None
