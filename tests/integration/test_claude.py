"""Claude over real HTTP, by the real SDK: what is on the wire, and every way the service may fail."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.dialog.claude import ClaudeDialog, open_dialog
from backends.dialog.claude_manner import manner
from callengine.config import load_settings
from callengine.errors import ConfigError, ReasoningError
from callengine.ports.reasoning import (
    END_CALL,
    TRANSFER,
    AgentSaid,
    CallerSaid,
    Delayed,
    HistoryItem,
    ReplyEvent,
    ReplyRequest,
    TextDelta,
    Usage,
)
from callengine.ports.tools import CallerContext, ToolCall, ToolResult, ToolSpec
from tests.messages_api import Act, MessagesApi, Tool, open_messages_api
from tests.messages_api.cache import blocks_of
from tests.messages_api.server import KEY

pytestmark = pytest.mark.integration

EN = manner("en-GB")
FIND = ToolSpec("find", "Find goods.", {"properties": {"size": {"type": "string"}}})
OVERLOADED = Act(status=529)
PATIENT = {"CLAUDE_FIRST_TOKEN_SECONDS": "30", "CLAUDE_TURN_SECONDS": "60"}
IMPATIENT = {"CLAUDE_FIRST_TOKEN_SECONDS": "1", "CLAUDE_TURN_SECONDS": "60"}
FALLBACK = {"CLAUDE_FALLBACK_MODEL": "claude-sonnet-5-5"}


@asynccontextmanager
async def opened(api: MessagesApi, **variables: str) -> AsyncIterator[ClaudeDialog]:
    environ = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url, **PATIENT, **variables}
    async with open_dialog(load_settings(environ), None) as dialog:
        yield dialog


def asks(*history: HistoryItem) -> ReplyRequest:
    return ReplyRequest(
        "A tyre shop.", history or (CallerSaid("Hello"),), (FIND, END_CALL, TRANSFER), CallerContext("c", "en-GB")
    )


async def events_of(dialog: ClaudeDialog, request: ReplyRequest) -> list[ReplyEvent]:
    """All of a reply but for what it cost."""
    events: list[ReplyEvent] = []
    async with dialog.open_reply(request) as reply:
        while (event := await reply.receive()) is not None:
            if not isinstance(event, Usage):
                events.append(event)
    return events


async def spoken(dialog: ClaudeDialog, request: ReplyRequest | None = None) -> str:
    """A reply's text, with `[…]` for the agent's own "one moment"."""
    events = await events_of(dialog, request or asks())
    return "".join(event.text if isinstance(event, TextDelta) else "[…]" for event in events)


def models(api: MessagesApi) -> list[str]:
    return [received.json["model"] for received in api.received]


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


KINDS = st.lists(st.sampled_from(["words", "tool", "two tools", "interrupted", "twice"]), min_size=2, max_size=8)


@settings(max_examples=15, deadline=None)
@given(KINDS)
def test_each_request_begins_as_the_one_before(kinds: list[str]) -> None:
    """Tools, system and messages of one request, but for a note about that very reply, are the first bytes of the next;
    and from the second turn on the cache is read."""
    trio.run(hold_conversation, kinds)


async def hold_conversation(kinds: list[str]) -> None:
    async with open_messages_api() as api, opened(api) as dialog:
        history: list[HistoryItem] = [AgentSaid("Hello!")]
        for turn, kind in enumerate(kinds):
            history += [CallerSaid(f"question {turn}")] * (2 if kind == "twice" else 1)
            await hold_turn(api, dialog, history, kind)
        bodies = [received.json for received in api.received]
    for one, other in pairwise(bodies):
        earlier, later = stable_bytes(one), stable_bytes(other)
        assert later.startswith(earlier)
        assert wire_head(one) == wire_head(other)


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
    usages, calls = [], []
    async with dialog.open_reply(request) as reply:
        while (event := await reply.receive()) is not None:
            if isinstance(event, Usage):
                usages.append(event)
            elif isinstance(event, ToolCall):
                calls.append(event)
    return usages, calls


def stable_bytes(body: dict[str, Any]) -> bytes:
    """The prompt in the API's order up to the last breakpoint, without the breakpoints themselves."""
    blocks = blocks_of(body)
    last = max(at for at, (_, marked) in enumerate(blocks) if marked)
    return "\n".join(text for text, _ in blocks[: last + 1]).encode()


def wire_head(body: dict[str, Any]) -> str:
    """Everything that stands before the messages, with its breakpoints, as it was sent."""
    return json.dumps({name: value for name, value in body.items() if name != "messages"}, ensure_ascii=False)


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
        await reply.receive()
        await trio.sleep(as_long_as_a_sentence)
        assert [await reply.receive() for _ in range(3)] == [TextDelta(word) for word in ("One ", "two ", "three.")]
        assert len(api.received) == 1


# Faults


@pytest.mark.parametrize("status", [408, 429, 500, 503, 529])
async def test_a_fault_that_passes_is_not_heard(status: int) -> None:
    async with open_messages_api([Act(status=status), Act("Good.")]) as api, opened(api, **FALLBACK) as dialog:
        assert await spoken(dialog) == "Good."
        assert models(api) == ["claude-haiku-5-5"] * 2


async def test_after_two_faults_comes_one_moment_and_the_other_model() -> None:
    async with open_messages_api([OVERLOADED, OVERLOADED, Act("Good.")]) as api, opened(api, **FALLBACK) as dialog:
        assert await spoken(dialog) == "[…]Good."
        assert models(api) == ["claude-haiku-5-5", "claude-haiku-5-5", "claude-sonnet-5-5"]


async def test_without_another_model_the_same_is_asked_once_more() -> None:
    async with open_messages_api([OVERLOADED, OVERLOADED, Act("Good.")]) as api, opened(api) as dialog:
        assert await spoken(dialog) == "[…]Good."
        assert models(api) == ["claude-haiku-5-5"] * 3


async def test_what_does_not_pass_is_the_ports_error() -> None:
    async with open_messages_api([OVERLOADED]) as api, opened(api, **FALLBACK) as dialog:
        async with dialog.open_reply(asks()) as reply:
            assert await reply.receive() == Delayed()
            with pytest.raises(ReasoningError, match=r"overloaded or out of order \(529 overloaded_error\)") as caught:
                await reply.receive()
            assert caught.value.retryable
            assert await reply.receive() is None
        with pytest.raises(ReasoningError):  # and no group of it
            await spoken(dialog)


async def test_what_the_model_does_not_take_is_not_asked_again() -> None:
    refused = Act(status=400, error="invalid_request_error")
    async with open_messages_api([refused]) as api:
        async with opened(api) as dialog:
            with pytest.raises(ReasoningError, match="refused the request") as caught:
                await spoken(dialog)
            assert not caught.value.retryable
            assert len(api.received) == 1
        api.will(refused, Act("Good."))
        async with opened(api, **FALLBACK) as dialog:
            assert await spoken(dialog) == "[…]Good."
    assert models(api)[1:] == ["claude-haiku-5-5", "claude-sonnet-5-5"]


@pytest.mark.parametrize("fault", ["break", "error"])
async def test_an_answer_that_breaks_off_is_begun_anew(fault: Any) -> None:
    broken = Act("We are open from", fault=fault)
    async with open_messages_api([broken, Act("We are open from nine.")]) as api, opened(api) as dialog:
        assert await spoken(dialog) == f"We are open from {EN.phrases['once_more']} We are open from nine."
        told = api.received[1].json["messages"][-1]["content"][-1]["text"]
        assert told == EN.notes["broken_off"].replace("{text}", f"We are open from {EN.phrases['once_more']}")


async def test_a_tool_that_was_asked_for_before_it_broke_off_is_not_run() -> None:
    broken = Act("Look.", (Tool("find"),), fault="break")
    async with open_messages_api([broken, Act("Look.", (Tool("find"),))]) as api, opened(api) as dialog:
        calls = [event for event in await events_of(dialog, asks()) if isinstance(event, ToolCall)]
    assert [call.id for call in calls] == ["toolu_2_0"]


async def test_silence_before_the_first_word_is_a_fault() -> None:
    async with open_messages_api([Act("", fault="stall"), Act("Good.")]) as api, opened(api, **IMPATIENT) as dialog:
        assert await spoken(dialog) == "Good."
        await api.wait_left(1)


async def test_silence_in_the_middle_is_a_fault() -> None:
    stalled = Act("We are open", fault="stall")
    async with open_messages_api([stalled, Act("From nine.")]) as api, opened(api, **IMPATIENT) as dialog:
        assert await spoken(dialog) == f"We are open {EN.phrases['once_more']} From nine."
        await api.wait_left(1)


async def test_a_turn_has_an_end() -> None:
    short = {"CLAUDE_TURN_SECONDS": "1.5"}
    async with open_messages_api([Act("", fault="stall")]) as api:
        async with opened(api, **short) as dialog:
            with pytest.raises(ReasoningError, match=r"gave no answer in 1\.5 s"):
                await spoken(dialog)
        api.will(Act("First, this and", fault="stall"))
        async with opened(api, **short) as dialog:
            assert await spoken(dialog) == f"First, this and {EN.phrases['go_on']}"


async def test_a_server_that_is_not_there() -> None:
    api = MessagesApi(url="http://127.0.0.1:9")
    async with opened(api) as dialog:
        with pytest.raises(ReasoningError, match=r"cannot be reached \(.*Connect.*\)"):
            await spoken(dialog)


async def test_what_a_caller_said_is_in_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async with open_messages_api([Act(status=400, error="invalid_request_error")]) as api, opened(api) as dialog:
        with pytest.raises(ReasoningError) as caught:
            await spoken(dialog, asks(CallerSaid("my secret is 4711")))
    assert "4711" not in str(caught.value) + caplog.text
    assert "\n" not in str(caught.value)


# The start


@pytest.mark.parametrize(
    ("variables", "setting", "problem"),
    [
        ({"ANTHROPIC_API_KEY": "wrong"}, "ANTHROPIC_API_KEY", "does not take the key"),
        ({"CLAUDE_MODEL": "claude-9"}, "CLAUDE_MODEL", "has no model 'claude-9'"),
        ({"CLAUDE_FALLBACK_MODEL": "claude-9"}, "CLAUDE_FALLBACK_MODEL", "has no model 'claude-9'"),
        ({"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}, "ANTHROPIC_BASE_URL", "cannot be reached"),
    ],
)
async def test_a_wrong_setting_is_named_at_the_start(variables: dict[str, str], setting: str, problem: str) -> None:
    async with open_messages_api() as api, opened(api, **variables) as dialog:
        with pytest.raises(ReasoningError, match=problem) as caught:
            await dialog.check()
        assert caught.value.setting == setting
        assert "\n" not in str(caught.value)


async def test_a_retired_model_is_named_at_the_start() -> None:
    async with open_messages_api() as api, opened(api) as dialog:
        api.model_facts = {"lifecycle": "retired"}
        with pytest.raises(ReasoningError, match="'claude-haiku-5-5' is retired") as caught:
            await dialog.check()
        assert caught.value.setting == "CLAUDE_MODEL"
        api.model_facts = {"lifecycle": "deprecated"}
        await dialog.check()


async def test_without_a_key_there_is_no_claude() -> None:
    with pytest.raises(ConfigError, match="ANTHROPIC_API_KEY: is not set"):
        async with open_dialog(load_settings({"DIALOG_BACKEND": "claude"}), None):
            pass
