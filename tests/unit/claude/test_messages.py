"""A call's history as messages: what the API accepts, whatever was said, and a prefix that never changes."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backends.dialog.claude_manner import LANGUAGES, manner
from backends.dialog.claude_messages import messages_of, note_of
from callengine.ports.reasoning import AgentSaid, CallerSaid, HistoryItem, Misheard
from callengine.ports.tools import ToolCall, ToolResult
from tests.messages_api.server import problem_of

EN = manner("en-GB")
BEGINS = {"type": "text", "text": EN.notes["begins"]}


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def shown(*history: HistoryItem) -> list[tuple[str, list[dict[str, Any]]]]:
    """The messages as pairs, without the note that begins them."""
    (role, first), *rest = ((message["role"], message["content"]) for message in messages_of(history, EN))
    assert first[0] == BEGINS
    return [(role, first[1:]), *rest] if first[1:] else rest


def test_a_conversation() -> None:
    history = (AgentSaid("Hello!"), CallerSaid("Hi."), AgentSaid("What do you need?"), CallerSaid("Tyres."))
    assert shown(*history) == [
        ("assistant", [text("Hello!")]),
        ("user", [text("Hi.")]),
        ("assistant", [text("What do you need?")]),
        ("user", [text("Tyres.")]),
    ]


def test_what_one_says_in_a_row_is_one_message() -> None:
    history = (
        CallerSaid("I need"),
        CallerSaid(" winter tyres "),
        AgentSaid("Let me"),
        AgentSaid("see."),
        CallerSaid("Do."),
    )
    assert shown(*history) == [
        ("user", [text("I need"), text("winter tyres")]),
        ("assistant", [text("Let me"), text("see.")]),
        ("user", [text("Do.")]),
    ]


def test_an_interruption_is_told_among_the_callers_words() -> None:
    history = (CallerSaid("Hi."), AgentSaid("We are open from", interrupted=True), CallerSaid("And on Sunday?"))
    assert shown(*history)[1:] == [
        ("assistant", [text("We are open from")]),
        ("user", [text(EN.notes["interrupted"]), text("And on Sunday?")]),
    ]


def test_words_that_nobody_understood_are_not_empty() -> None:
    assert shown(CallerSaid(" ")) == [("user", [text(EN.notes["silent"])])]


def call(called: str, **arguments: object) -> ToolCall:
    return ToolCall(called, "find", arguments)


def use(called: str, **arguments: object) -> dict[str, Any]:
    return {"type": "tool_use", "id": called, "name": "find", "input": arguments}


def result(called: str, content: str = "{}") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": called, "content": content}


def test_tools_and_their_results() -> None:
    history = (CallerSaid("?"), call("1", size="R16"), ToolResult("1", '{"n": 1}'), CallerSaid("And?"))
    assert shown(*history)[1:] == [
        ("assistant", [use("1", size="R16")]),
        ("user", [result("1", '{"n": 1}'), text("And?")]),
    ]


def test_parallel_tools_share_a_message_whatever_the_order_of_their_results() -> None:
    history = (CallerSaid("?"), call("1"), call("2"), ToolResult("2", "{}"), ToolResult("1", "{}", is_error=True))
    assert shown(*history)[1:] == [
        ("assistant", [use("1"), use("2")]),
        ("user", [result("2"), {**result("1"), "is_error": True}]),
    ]


def test_tools_one_after_the_other_are_messages_of_their_own() -> None:
    history = (CallerSaid("?"), call("1"), ToolResult("1", "{}"), call("2"), ToolResult("2", "{}"))
    assert [role for role, _ in shown(*history)] == ["user", "assistant", "user", "assistant", "user"]


def test_a_tool_that_was_cut_off_has_a_result_that_says_so() -> None:
    pending = {**result("1", EN.notes["pending"]), "is_error": True}
    assert shown(CallerSaid("?"), call("1"), CallerSaid("Hello?"))[1:] == [
        ("assistant", [use("1")]),
        ("user", [pending, text("Hello?")]),
    ]


def test_a_result_that_comes_late_is_told_when_it_comes() -> None:
    history = (CallerSaid("?"), call("1"), CallerSaid("Wait."), ToolResult("1", '{"order": 7}'), CallerSaid("So?"))
    notes = [block["text"] for block in shown(*history)[-1][1] if block["type"] == "text"]
    assert notes == ["Wait.", '(The result of the tool find has come: {"order": 7})', "So?"]


def test_what_was_said_before_the_tools_is_no_turn_of_its_own() -> None:
    """The API has no place for it: an agent's words at the end would be words to go on from."""
    history = (CallerSaid("?"), call("1"), ToolResult("1", "{}"), AgentSaid("Let me look."))
    assert shown(*history)[-1] == ("user", [result("1")])
    note = note_of(history, EN)
    assert note is not None and "«Let me look.»" in note["text"]
    assert note_of(history[:-1], EN) is None


def test_an_attempt_that_broke_off_is_told_with_what_was_heard() -> None:
    note = note_of((CallerSaid("?"), AgentSaid("Let me look.")), EN, broken_off="We are {open} fr")
    assert note == text(EN.notes["broken_off"].replace("{text}", "Let me look. We are {open} fr"))


def test_what_was_misheard_is_told_behind_what_was_sent() -> None:
    history = (CallerSaid("Shins."), AgentSaid("No."), Misheard("Shins.", "Tyres."), CallerSaid("Well?"))
    note = EN.notes["misheard"].format(told="Shins.", said="Tyres.")
    assert shown(*history) == [
        ("user", [text("Shins.")]),
        ("assistant", [text("No.")]),
        ("user", [text(note), text("Well?")]),
    ]


def test_what_was_misheard_and_refused_is_not_sent_again() -> None:
    refused = (CallerSaid("something bad."), AgentSaid(EN.phrases["cannot_help"]))
    sent = messages_of((*refused, Misheard("something bad.", "something worse."), CallerSaid("Sorry.")), EN)
    assert sent == messages_of((*refused, CallerSaid("Sorry.")), EN)


def test_what_was_refused_is_not_sent_again() -> None:
    """The API goes on refusing while the words that it refused are there."""
    history = (
        CallerSaid("Well,"),
        CallerSaid("something bad."),
        AgentSaid(EN.phrases["cannot_help"]),
        CallerSaid("Sorry."),
    )
    assert shown(*history)[0] == ("user", [text(EN.notes["refused"]), text(EN.notes["refused"])])
    assert "bad" not in json.dumps(messages_of(history, EN))


def test_a_language_without_a_file_is_named_in_english() -> None:
    assert "(de-DE)" in manner("de-DE").instructions
    assert "(ru-RU)" in manner("ru-RU").instructions
    assert manner("de-DE").phrases == EN.phrases


def test_the_languages_have_the_same_notes_and_phrases() -> None:
    manners = [manner(language) for language in LANGUAGES]
    assert len({frozenset(each.notes) for each in manners}) == len({frozenset(each.phrases) for each in manners}) == 1
    assert all(len(each.looking) > 1 for each in manners)


WORDS = st.sampled_from(["", " ", "да", "two words", "«{»"])
IDS = st.sampled_from("abcd")


@st.composite
def histories(draw: st.DrawFn) -> list[HistoryItem]:
    """Any order of items, but each tool call has an id of its own and a result follows its call."""
    items: list[HistoryItem] = []
    called: list[str] = []
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.integers(0, 4))
        if kind == 0:
            items.append(CallerSaid(draw(WORDS)))
        elif kind == 1:
            items.append(AgentSaid(draw(WORDS), draw(st.booleans())))
        elif kind == 2:
            called.append(f"t{len(items)}")
            items.append(ToolCall(called[-1], "find", {}))
        elif kind == 4:
            items.append(Misheard(draw(WORDS), draw(WORDS)))
        elif called:
            items.append(ToolResult(called.pop(draw(st.integers(0, len(called) - 1))), "{}"))
    return items


def blocks(messages: list[dict[str, Any]]) -> list[str]:
    return [json.dumps([message["role"], block]) for message in messages for block in message["content"]]


@given(histories(), WORDS)
def test_whatever_was_said_the_api_takes_it(history: list[HistoryItem], words: str) -> None:
    asked = {"messages": messages_of([*history, CallerSaid(words)], EN)}
    assert problem_of(asked) == ""


@given(histories(), st.integers(0, 12), st.sampled_from([(), (0,), (1,), (0, 1)]))
def test_the_messages_of_one_turn_begin_those_of_the_next(
    history: list[HistoryItem], length: int, misheard: tuple[int, ...]
) -> None:
    """Also where the turn proved to be another one: before its answer was heard, and behind it."""
    earlier = [*history[:length], CallerSaid("yes")]
    later = [*earlier, AgentSaid("Good.")]
    for at in sorted(misheard, reverse=True):
        later.insert(len(earlier) + at, Misheard("yes", "yet"))
    later.append(CallerSaid("no"))
    assert blocks(messages_of(later, EN))[: len(blocks(messages_of(earlier, EN)))] == blocks(messages_of(earlier, EN))


@given(histories(), st.integers(0, 3))
def test_tools_in_the_middle_of_a_turn_keep_the_prefix(history: list[HistoryItem], rounds: int) -> None:
    """Each round of tools, and then the next turn, goes on from the messages before it."""
    items: list[HistoryItem] = [*history, CallerSaid("yes")]
    before: list[str] = []
    for each in range(rounds):
        items += [ToolCall(f"r{each}", "find", {}), ToolResult(f"r{each}", "{}")]
        now = blocks(messages_of([*items, AgentSaid("Let me look.")], EN))
        assert now[: len(before)] == before
        before = now
    now = blocks(messages_of([*items, AgentSaid("Let me look. Found."), CallerSaid("ok")], EN))
    assert now[: len(before)] == before
