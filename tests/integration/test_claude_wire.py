"""Claude over real HTTP, by the real SDK: what is on the wire, and what a caller who goes on speaking leaves of it."""

from dataclasses import replace

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.dialog.claude import ClaudeDialog
from callengine.ports.reasoning import (
    AgentSaid,
    CallerSaid,
    HistoryItem,
    Misheard,
    ReplyRequest,
    TextDelta,
    Usage,
)
from callengine.ports.tools import ToolCall, ToolResult
from tests.claude_dialog import IMPATIENT, asks, opened, spoken
from tests.messages_api import Act, MessagesApi, Tool, open_messages_api
from tests.messages_api.cache import stable_bytes, wire_head
from tests.messages_api.server import KEY

pytestmark = pytest.mark.integration


# What is on the wire


async def test_a_request_as_it_is_sent() -> None:
    async with open_messages_api() as api, opened(api) as dialog:
        assert await spoken(dialog) == "Good."
        (received,) = api.received
        assert received.headers["authorization"] == f"Bearer {KEY}"
        sent = received.json
        assert sent["stream"] is True and sent["max_tokens"] == 600
        assert sent["messages"][-1]["content"][-1]["text"] == "Hello"
        assert b"Hello" in received.body


async def test_the_model_is_asked_what_it_takes() -> None:
    def can(yes: bool) -> dict[str, bool]:
        return {"supported": yes}

    thinking = {
        "supported": True,
        "types": {"adaptive": can(True), "disabled": can(True), "enabled": can(False), "between_tools": can(True)},
    }
    effort = {"supported": True, **{level: can(True) for level in ("low", "medium", "high", "max")}}
    async with open_messages_api() as api, opened(api) as dialog:
        await spoken(dialog)
        api.model_facts = {"capabilities": {"thinking": thinking, "effort": effort}}
        await dialog.check()
        await spoken(dialog)
        before, after = (received.json for received in api.received)
    assert not {"thinking", "output_config"} & before.keys()
    assert (after["thinking"], after["output_config"]) == ({"type": "disabled"}, {"effort": "low"})


WAYS = ["words", "tool", "two tools", "interrupted", "twice", "goes on", "misheard"]
KINDS = st.lists(st.sampled_from(WAYS), min_size=2, max_size=8)


@settings(max_examples=15, deadline=None)
@given(KINDS)
def test_each_request_begins_as_the_one_before(kinds: list[str]) -> None:
    """Tools, system and messages of one request, but for a note about that very reply, are the first bytes of the next;
    and from the second turn on the cache is read. A request that was left because the caller went on is followed by the
    whole turn, which begins as the request before it."""
    trio.run(hold_conversation, kinds)


async def hold_conversation(kinds: list[str]) -> None:
    async with open_messages_api() as api, opened(api) as dialog:
        history: list[HistoryItem] = [AgentSaid("Hello!")]
        left: list[int] = []
        for turn, kind in enumerate(kinds):
            question = CallerSaid(f"question {turn}")
            if kind == "goes on":
                left.append(len(api.received))
                await leave_turn(api, dialog, asks(*history, question), len(left))
                question = CallerSaid(f"question {turn} and more")
            history += [question] * (2 if kind == "twice" else 1)
            await hold_turn(api, dialog, history, kind)
            if kind == "misheard":
                history.append(Misheard(question.text, f"another question {turn}"))
        bodies = [received.json for received in api.received]
    for at, body in enumerate(bodies):
        before = next((bodies[earlier] for earlier in reversed(range(at)) if earlier not in left), None)
        if before is not None:
            assert stable_bytes(body).startswith(stable_bytes(before))
            assert wire_head(body) == wire_head(before)


async def leave_turn(api: MessagesApi, dialog: ClaudeDialog, request: ReplyRequest, times: int) -> None:
    """Ask, and leave the reply after its first word."""
    api.will(Act("One two", fault="stall"))
    async with dialog.open_reply(request) as reply:
        assert await reply.receive() == TextDelta("One ")
    await api.wait_left(times)


async def hold_turn(api: MessagesApi, dialog: ClaudeDialog, history: list[HistoryItem], kind: str) -> None:
    """One answer, with its tools, as the engine keeps its history; `history` grows by it."""
    tools = tuple(Tool("find", {"size": "R16"}) for _ in range({"tool": 1, "two tools": 2}.get(kind, 0)))
    api.will(Act("Let me look." if tools else "Here.", tools))
    first = not api.received
    usages, calls = await cost_of(dialog, asks(*history))
    assert first or sum(usage.cache_read_tokens for usage in usages) > 0
    for call in calls:
        history += [call, ToolResult(call.id, '{"total": 3, "шины": "да"}')]
    if calls:
        api.will(Act("Three."))
        usages, _ = await cost_of(dialog, asks(*history, AgentSaid("Let me look.")))
        assert sum(usage.cache_read_tokens for usage in usages) > 0
    history.append(AgentSaid("Let me look. Three." if calls else "Here.", interrupted=kind == "interrupted"))


async def cost_of(dialog: ClaudeDialog, request: ReplyRequest) -> tuple[list[Usage], list[ToolCall]]:
    usages: list[Usage] = []
    calls = []
    async with dialog.open_reply(replace(request, spent=usages.append)) as reply:
        while (event := await reply.receive()) is not None:
            if isinstance(event, ToolCall):
                calls.append(event)
    return usages, calls


async def test_a_connection_is_kept_from_turn_to_turn() -> None:
    async with open_messages_api() as api, opened(api) as dialog:
        for _ in range(4):
            await spoken(dialog)
        assert len(api.connections) == 1


async def test_what_a_reply_cost() -> None:
    async with open_messages_api([Act("One two three.")]) as api, opened(api) as dialog:
        await cost_of(dialog, asks())
        usages, _ = await cost_of(dialog, asks(CallerSaid("Hello"), AgentSaid("One."), CallerSaid("Bye")))
    assert {usage.model for usage in usages} == {"claude-haiku-5-5"}
    assert sum(usage.output_tokens for usage in usages) == 3
    assert sum(usage.cache_read_tokens for usage in usages) > sum(usage.cache_write_tokens for usage in usages) > 0


# Leaving


async def test_leaving_a_reply_closes_its_request() -> None:
    """Before its first word, and in the middle."""
    acts = [Act("", fault="stall"), Act("One two", fault="stall"), Act("Good.")]
    async with open_messages_api(acts) as api, opened(api) as dialog:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(spoken, dialog)
            await api.wait_received(1)
            nursery.cancel_scope.cancel()
        await api.wait_left(1)
        async with dialog.open_reply(asks()) as reply:
            while await reply.receive() != TextDelta("One "):
                pass
        await api.wait_left(2)
        assert await spoken(dialog) == "Good."


async def test_many_replies_left_use_up_no_connection() -> None:
    async with open_messages_api([Act("One two", fault="stall")]) as api, opened(api) as dialog:
        for times in range(1, 31):
            async with dialog.open_reply(asks()) as reply:
                while await reply.receive() != TextDelta("two"):
                    pass
            await api.wait_left(times)
        api.will(Act("Good."))
        assert await spoken(dialog) == "Good."


async def test_a_slow_voice_does_not_make_the_model_late() -> None:
    """The reply is read as it comes, however long its words wait to be taken."""
    as_long_as_a_sentence = 1.2 * float(IMPATIENT["CLAUDE_FIRST_TOKEN_SECONDS"])
    async with (
        open_messages_api([Act("One two three.")]) as api,
        opened(api, **IMPATIENT) as dialog,
        dialog.open_reply(asks()) as reply,
    ):
        assert await reply.receive() == TextDelta("One ")
        await trio.sleep(as_long_as_a_sentence)
        assert [await reply.receive() for _ in range(3)] == [TextDelta("two "), TextDelta("three."), None]
        assert len(api.received) == 1
