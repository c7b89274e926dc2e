"""Claude over real HTTP, by the real SDK: every way the service may fail, and what the caller hears of it."""

from typing import Any

import pytest

from backends.dialog.claude import open_dialog
from backends.dialog.claude_manner import manner
from callengine.config import load_settings
from callengine.errors import ConfigError, ReasoningError
from callengine.ports.reasoning import CallerSaid, Delayed
from callengine.ports.tools import ToolCall
from tests.claude_dialog import FALLBACK, IMPATIENT, OVERLOADED, asks, events_of, models, opened, spoken
from tests.messages_api import Act, MessagesApi, Tool, open_messages_api

pytestmark = pytest.mark.integration

EN = manner("en-GB")


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
    async with open_messages_api([Act("", fault="stall")]) as api:
        async with opened(api, CLAUDE_TURN_SECONDS="1") as dialog:
            with pytest.raises(ReasoningError, match=r"gave no answer in 1 s"):
                await spoken(dialog)
        api.will(Act("First, this and", fault="stall"))
        async with opened(api, CLAUDE_TURN_SECONDS="4") as dialog:  # within it, those words come
            assert await spoken(dialog) == f"First, this and {EN.phrases['go_on']}"


async def test_a_server_that_is_not_there() -> None:
    api = MessagesApi(url="http://127.0.0.1:9")
    async with opened(api) as dialog:
        with pytest.raises(ReasoningError, match=r"cannot be reached \(.*Connect.*\)"):
            await spoken(dialog)


async def test_what_a_caller_said_is_in_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async with open_messages_api([Act(status=400, error="invalid_request_error")]) as api, opened(api) as dialog:
        with pytest.raises(ReasoningError) as caught:
            await spoken(dialog, asks(CallerSaid("my secret is nightingale")))
    assert "nightingale" not in str(caught.value) + caplog.text
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
