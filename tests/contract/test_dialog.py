"""What every dialog backend promises (`callengine.ports.reasoning`)."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import trio
import trio.testing

from backends.dialog import claude, fixed, scripted
from callengine.config import load_settings
from callengine.errors import ReasoningError
from callengine.ports.reasoning import (
    END_CALL,
    TRANSFER,
    AgentSaid,
    CallerSaid,
    Dialog,
    HistoryItem,
    Misheard,
    Reply,
    ReplyEvent,
    ReplyRequest,
    TextDelta,
)
from callengine.ports.tools import CallerContext, ToolCall, ToolResult, ToolSpec
from tests.messages_api import Act, Tool, open_messages_api
from tests.messages_api.server import KEY

TOOLS = (END_CALL, TRANSFER, ToolSpec("opening_hours", "", {"type": "object"}))
SETTINGS = SimpleNamespace(call_language="en-GB")


@asynccontextmanager
async def open_fixed() -> AsyncIterator[Dialog]:
    yield fixed.ScriptedDialog(("Hello there.", ["One moment.", ToolCall("1", "opening_hours")], "From nine to five."))


def about_hours(asked: Mapping[str, Any]) -> Act:
    """Claude's part: a tool for opening hours, two words for all else."""
    last = asked["messages"][-1]["content"][-1]
    if "opening hours" in last.get("text", ""):
        return Act("Let me see.", (Tool("opening_hours", id="toolu_1"), Tool("opening_hours", id="toolu_2")))
    return Act("Yes, certainly.")


@asynccontextmanager
async def open_claude() -> AsyncIterator[Dialog]:
    async with open_messages_api() as api:
        api.choose = about_hours
        environ = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url, "CLAUDE_FIRST_TOKEN_SECONDS": "30"}
        async with claude.open_dialog(load_settings(environ), None) as opened:
            yield opened


DIALOGS: dict[str, Callable[[], AbstractAsyncContextManager[Dialog]]] = {
    "claude": open_claude,
    "fixed": open_fixed,
    "monologue": partial(fixed.open_monologue, SETTINGS, None),
    "scripted": partial(scripted.open_dialog, SETTINGS, None),
}


PARAMS = [pytest.param(name, marks=[pytest.mark.integration] if name == "claude" else []) for name in DIALOGS]


@pytest.fixture(params=PARAMS)
async def dialog(request: pytest.FixtureRequest) -> AsyncIterator[Dialog]:
    async with DIALOGS[request.param]() as opened:
        yield opened


def asks(*history: HistoryItem, language: str = "en-GB") -> ReplyRequest:
    return ReplyRequest("Be brief.", history, TOOLS, CallerContext("call", language))


async def events_of(reply: Reply) -> list[ReplyEvent]:
    """All events of a reply."""
    events: list[ReplyEvent] = []
    while (event := await reply.receive()) is not None:
        events.append(event)
    return events


async def reply_to(dialog: Dialog, request: ReplyRequest) -> list[ReplyEvent]:
    async with dialog.open_reply(request) as reply:
        return await events_of(reply)


async def test_check_passes(dialog: Dialog) -> None:
    await dialog.check()


async def test_a_reply_says_or_does_something_and_then_is_over(dialog: Dialog) -> None:
    async with dialog.open_reply(asks(CallerSaid("Hello"))) as reply:
        events = await events_of(reply)
        assert await reply.receive() is None
    assert events
    assert all(event.text for event in events if isinstance(event, TextDelta))


async def test_the_same_request_has_the_same_reply(dialog: Dialog) -> None:
    request = asks(CallerSaid("Hello"), AgentSaid("Hello there."), CallerSaid("What are your opening hours?"))
    assert await reply_to(dialog, request) == await reply_to(dialog, request)


async def test_tool_calls_are_tools_of_the_request_and_come_last(dialog: Dialog) -> None:
    request = asks(CallerSaid("Hello"), AgentSaid("Hello there."), CallerSaid("What are your opening hours?"))
    events = await reply_to(dialog, request)
    calls = [event for event in events if isinstance(event, ToolCall)]
    assert events[len(events) - len(calls) :] == calls
    assert {call.name for call in calls} <= {spec.name for spec in TOOLS}
    assert len({call.id for call in calls}) == len(calls)


@pytest.mark.parametrize(
    "result", [ToolResult("x", '{"branches": []}'), ToolResult("x", '{"error": "out of order"}', is_error=True)]
)
async def test_a_result_is_answered_in_words(dialog: Dialog, result: ToolResult) -> None:
    request = asks(CallerSaid("What are your hours?"), ToolCall("x", "opening_hours"), result)
    assert [event for event in await reply_to(dialog, request) if isinstance(event, TextDelta)]


@pytest.mark.parametrize(
    "history",
    [
        (),
        (AgentSaid("Hello"),),
        (AgentSaid("Hel", interrupted=True), CallerSaid("What?")),
        (CallerSaid("Tiles"), Misheard("Tiles", "Tyres")),
        (CallerSaid("Tiles"), AgentSaid("No."), Misheard("Tiles", "Tyres"), CallerSaid("Well?")),
    ],
)
async def test_any_history_has_a_reply(dialog: Dialog, history: tuple[HistoryItem, ...]) -> None:
    assert await reply_to(dialog, asks(*history))


async def test_leaving_in_the_middle_does_not_break_the_next_reply(dialog: Dialog) -> None:
    request = asks(CallerSaid("Hello"))
    async with dialog.open_reply(request) as reply:
        await reply.receive()
    assert await reply_to(dialog, request)


# What only the fixed one can be told to do.


async def test_fixed_replies_come_in_order_and_tools_have_theirs() -> None:
    dialog = fixed.ScriptedDialog(("One.", ["Look.", ToolCall("1", "opening_hours")], "Three."))
    history: tuple[HistoryItem, ...] = (CallerSaid("a"),)
    assert await reply_to(dialog, asks(*history)) == [TextDelta("One.")]
    history += (AgentSaid("One."), CallerSaid("b"))
    assert await reply_to(dialog, asks(*history)) == [TextDelta("Look."), ToolCall("1", "opening_hours")]
    history += (AgentSaid("Look."), ToolCall("1", "opening_hours"), ToolResult("1", "{}"))
    assert await reply_to(dialog, asks(*history)) == [TextDelta("Three.")]


async def test_fixed_replies_keep_their_pace(autojump_clock: trio.testing.MockClock) -> None:
    dialog = fixed.ScriptedDialog(("One two three.",), first_delay_seconds=0.5, delta_delay_seconds=0.1)
    started = trio.current_time()
    times = []
    async with dialog.open_reply(asks(CallerSaid("a"))) as reply:
        while (event := await reply.receive()) is not None:
            times.append((event, round(trio.current_time() - started, 6)))
    assert times == [(TextDelta("One "), 0.6), (TextDelta("two "), 0.7), (TextDelta("three."), 0.8)]


async def test_fixed_reply_fails_where_it_is_told_to() -> None:
    dialog = fixed.ScriptedDialog((["One.", ReasoningError("away", retryable=True)],))
    async with dialog.open_reply(asks(CallerSaid("a"))) as reply:
        assert await reply.receive() == TextDelta("One.")
        with pytest.raises(ReasoningError, match="away"):
            await reply.receive()


async def test_the_shop_agent_calls_no_tool_it_was_not_given() -> None:
    async with scripted.open_dialog(SETTINGS, None) as dialog:
        request = ReplyRequest("", (CallerSaid("I want an operator"),), (), CallerContext("call", "en-GB"))
        events = await reply_to(dialog, request)
    assert not [event for event in events if isinstance(event, ToolCall)]
    assert "nobody can be reached" in "".join(event.text for event in events if isinstance(event, TextDelta))
