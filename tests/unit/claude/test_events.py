"""A streamed message as events of a reply, and the words where the model has none."""

from typing import Any

import pytest
from hypothesis import given

from backends.dialog.claude_events import Reading, last_events
from backends.dialog.claude_manner import manner
from backends.dialog.claude_sse import EventDecoder
from callengine.ports.reasoning import END_CALL, TRANSFER, ReplyEvent, TextDelta, Usage
from callengine.ports.tools import ToolCall
from tests.messages_api import Act, Tool
from tests.messages_api.acts import closing, contents, opening
from tests.strategies import chunked

EN = manner("en-GB")
USAGE = {"input_tokens": 7, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 3}


WHOLE = b"".join([opening("m", 1, USAGE), *contents(Act("Шины есть.", (Tool("find", {"q": "R16"}),)), 1)])


def events_of(act: Act) -> list[dict[str, Any]]:
    return EventDecoder().feed(b"".join((opening("m", 1, USAGE), *contents(act, 1), closing(act))))


def reply(act: Act, said_before: bool = False, turn: int = 0) -> list[ReplyEvent]:
    """All that comes of a message, but for what it cost."""
    reading = Reading("m")
    told = [told for event in events_of(act) for told in reading.feed(event) if not isinstance(told, Usage)]
    return told + last_events(reading, EN, said_before, turn)


def test_text_comes_as_it_is_written() -> None:
    assert reply(Act("One two.")) == [TextDelta("One "), TextDelta("two.")]


def test_what_it_cost_is_told_as_soon_as_it_is_known() -> None:
    reading = Reading("m")
    told = [told for event in events_of(Act("One two.")) for told in reading.feed(event)]
    assert told[0] == Usage("m", 7, 5, 3, prompt_tokens=15)
    assert told[-1] == Usage("m", output_tokens=2, prompt_tokens=15)


def test_tools_come_last_with_their_arguments() -> None:
    tools = (Tool("find", {"size": "205/55 R16"}), Tool("hours"))
    assert reply(Act("Look.", tools)) == [
        TextDelta("Look."),
        ToolCall("toolu_1_0", "find", {"size": "205/55 R16"}),
        ToolCall("toolu_1_1", "hours", {}),
    ]


def test_thinking_is_not_spoken() -> None:
    assert reply(Act("Yes.", thinks=True)) == [TextDelta("Yes.")]


def test_a_tool_without_a_word_is_spoken_for_in_turn() -> None:
    act = Act(tools=(Tool("find"),))
    assert [reply(act, turn=turn)[0] for turn in range(3)] == [TextDelta(text) for text in EN.looking]
    assert reply(act, said_before=True) == [ToolCall("toolu_1_0", "find", {})]


@pytest.mark.parametrize("name", [END_CALL.name, TRANSFER.name])
def test_the_engine_has_its_own_words_for_its_own_tools(name: str) -> None:
    assert reply(Act(tools=(Tool(name),))) == [ToolCall("toolu_1_0", name, {})]


@pytest.mark.parametrize(
    ("act", "last"),
    [
        (Act("No way", stop_reason="refusal"), " " + EN.phrases["cannot_help"]),
        (Act(stop_reason="refusal"), EN.phrases["cannot_help"]),
        (Act("First, second", stop_reason="max_tokens"), " " + EN.phrases["go_on"]),
        (Act(stop_reason="max_tokens", thinks=True), EN.phrases["say_again"]),
        (Act("Look", (Tool("find", {"size": "R16"}, cut=True),), "max_tokens"), " " + EN.phrases["go_on"]),
        (Act("Well", stop_reason="model_context_window_exceeded"), " " + EN.phrases["go_on"]),
        (Act(""), EN.phrases["say_again"]),
        (Act(" "), " " + EN.phrases["say_again"]),
    ],
)
def test_every_way_to_end_is_spoken_for(act: Act, last: str) -> None:
    told = reply(act, said_before=True)
    assert isinstance(told[-1], TextDelta) and told[-1].text.strip() == last.strip()
    assert not [event for event in told if isinstance(event, ToolCall)]
    assert told[-1].text.startswith(" ") == bool(act.text.strip())


@given(chunked(WHOLE))
def test_events_do_not_depend_on_how_the_bytes_came(chunks: list[bytes]) -> None:
    decoder = EventDecoder()
    assert [event for chunk in chunks for event in decoder.feed(chunk)] == EventDecoder().feed(WHOLE)


def test_line_ends_comments_and_unfinished_events() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b': hello\r\nevent: ping\r\ndata: {"type":\r\ndata: "ping"}\r\n\r\n') == [{"type": "ping"}]
    assert decoder.feed(b'\n\ndata: 1\n\ndata: {"type"') == []
    assert EventDecoder().feed(b"data: <html>\n\ndata: 7\n\n\xff\n\n") == []


def test_events_of_kinds_yet_unknown_are_nothing() -> None:
    reading = Reading("m")
    for event in ({}, {"type": "novelty"}, {"type": "content_block_delta", "delta": {"type": "novel_delta"}}):
        assert reading.feed(event) == []


def test_an_error_in_the_stream_is_told_by_its_type() -> None:
    reading = Reading("m")
    assert reading.feed({"type": "error", "error": {"type": "overloaded_error"}}) == []
    assert (reading.error, reading.stop_reason) == ("overloaded_error", "")
