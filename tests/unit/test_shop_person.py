"""The scripted shop agent and people: nobody is in, call me back, slower."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from backends.dialog.scripted import reply_to
from callengine.agent import load_agent
from callengine.call.built_in import built_in_tools
from callengine.ports.reasoning import (
    CALL_BACK,
    REPEAT,
    TRANSFER,
    AgentSaid,
    CallerSaid,
    HistoryItem,
    ReplyRequest,
    TextDelta,
)
from callengine.ports.tools import CallerContext, ToolCall, ToolResult

TOOLS = built_in_tools(load_agent(None, "en-GB"))
CLOSED = {"error": "nobody is in", "say": "We are closed."}


def answer(*history: HistoryItem, language: str = "en-GB") -> tuple[str, ToolCall | None]:
    events = reply_to(ReplyRequest("", history, TOOLS, CallerContext("c", language)))
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    return text, next((event for event in events if isinstance(event, ToolCall)), None)


def tool(name: str, result: Mapping[str, Any], is_error: bool = False) -> tuple[HistoryItem, HistoryItem]:
    return ToolCall("t", name), ToolResult("t", json.dumps(result), is_error)


def test_the_call_itself_says_that_a_person_comes() -> None:
    assert answer(CallerSaid("An operator, please")) == ("", ToolCall("call-1", TRANSFER.name, {}))


def test_where_nobody_is_in_a_call_back_is_offered_and_noted() -> None:
    history: tuple[HistoryItem, ...] = (CallerSaid("Operator"), *tool(TRANSFER.name, CLOSED, is_error=True))
    offer, call = answer(*history)
    assert (offer, call) == ("We are closed. Shall I note that somebody is to call you back?", None)
    history += (AgentSaid(offer), CallerSaid("Yes, please."))
    _, asked = answer(*history)
    assert asked is not None
    assert (asked.name, asked.arguments) == (CALL_BACK.name, {})
    noted, _ = answer(*history, *tool(CALL_BACK.name, {"noted": True}))
    assert noted.startswith("I have noted it")


def test_a_number_that_is_not_known_is_asked_for() -> None:
    history = (CallerSaid("Call me back"), *tool(CALL_BACK.name, {"error": "not known"}, is_error=True))
    question, _ = answer(*history)
    assert "Which number" in question
    _, asked = answer(*history, AgentSaid(question), CallerSaid("8 903 123 45 67"))
    assert asked is not None
    assert asked.arguments == {"number": "89031234567"}


@pytest.mark.parametrize(
    ("language", "says", "name"),
    [
        ("ru-RU", "Говорите помедленнее, пожалуйста.", REPEAT.name),
        ("en-GB", "Could you say it slower?", REPEAT.name),
        ("ru-RU", "Пусть мне перезвонят.", CALL_BACK.name),
        ("en-GB", "Please call me back.", CALL_BACK.name),
    ],
)
def test_what_callers_say(language: str, says: str, name: str) -> None:
    _, call = answer(CallerSaid("Winter tyres"), AgentSaid("What size?"), CallerSaid(says), language=language)
    assert call is not None
    assert call.name == name
