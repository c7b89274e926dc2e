"""A request: what is where, what the model takes, and where the cache may cut."""

import json
from typing import Any

from backends.dialog.claude_manner import manner
from backends.dialog.claude_prompt import Limits, ModelTraits, body_of
from callengine.ports.reasoning import END_CALL, TRANSFER, AgentSaid, CallerSaid, HistoryItem, ReplyRequest
from callengine.ports.tools import CallerContext, ToolCall, ToolResult, ToolSpec
from tests.messages_api.cache import PromptCache, blocks_of

FIND = ToolSpec("find", "Find goods.", {"properties": {"size": {"type": "string"}}, "required": ["size"]})
CALLER = CallerContext("call-4711", "ru-RU", number="+79991234567", name="Пётр")
PLAIN = ModelTraits("m")


def asks(*history: HistoryItem, instructions: str = "Магазин шин.") -> ReplyRequest:
    return ReplyRequest(instructions, history, (FIND, END_CALL, TRANSFER), CALLER)


def body(*history: HistoryItem, limits: Limits | None = None) -> dict[str, Any]:
    return body_of(asks(*history), PLAIN, limits or Limits())


def marked(asked: dict[str, Any]) -> list[int]:
    return [at for at, (_, mark) in enumerate(blocks_of(asked)) if mark]


def test_the_shops_instructions_follow_ours() -> None:
    ours, shops = body(CallerSaid("?"))["system"]
    assert ours == {"type": "text", "text": manner("ru-RU").instructions}
    assert shops == {"type": "text", "text": "Магазин шин.", "cache_control": {"type": "ephemeral"}}
    (alone,) = body_of(asks(CallerSaid("?"), instructions=" "), PLAIN, Limits())["system"]
    assert alone["text"] == ours["text"] and "cache_control" in alone


def test_tools_have_a_whole_schema() -> None:
    tools = body(CallerSaid("?"))["tools"]
    assert [tool["name"] for tool in tools] == ["find", "end_call", "transfer_to_person"]
    assert tools[0]["input_schema"] == {"type": "object", **FIND.parameters}
    assert "tools" not in body_of(ReplyRequest("", (CallerSaid("?"),), (), CALLER), PLAIN, Limits())


def test_the_model_is_sent_only_what_it_takes() -> None:
    asked = body_of(asks(CallerSaid("?")), ModelTraits("m", thinking_off=True, effort="low"), Limits(max_tokens=99))
    assert asked["thinking"] == {"type": "disabled"} and asked["output_config"] == {"effort": "low"}
    assert asked["max_tokens"] == 99
    plain = body(CallerSaid("?"))
    assert not {"thinking", "output_config", "temperature", "top_p", "top_k"} & plain.keys()


def test_who_calls_is_nobodys_business() -> None:
    """The engine fills in the caller's number where a tool needs it."""
    text = json.dumps(body(CallerSaid("?")), ensure_ascii=False)
    assert CALLER.number not in text and CALLER.name not in text and CALLER.call_id not in text


def test_breakpoints_are_behind_the_instructions_and_the_last_two_turns() -> None:
    asked = body(AgentSaid("a"), CallerSaid("b"), AgentSaid("c"), CallerSaid("d"), AgentSaid("e"), CallerSaid("f"))
    texts = [json.loads(text)[1].get("text") for text, _ in blocks_of(asked)]
    assert [texts[at] for at in marked(asked)] == ["Магазин шин.", "d", "f"]


def test_a_note_about_this_very_reply_stands_behind_the_last_breakpoint() -> None:
    asked = body(CallerSaid("?"), ToolCall("1", "find", {}), ToolResult("1", "{}"), AgentSaid("Смотрю."))
    last = asked["messages"][-1]["content"]
    assert [("cache_control" in block, block["type"]) for block in last] == [(True, "tool_result"), (False, "text")]


def test_a_reply_before_any_word_of_the_caller_ends_with_a_users_turn() -> None:
    asked = body(AgentSaid("Алло"))
    assert [message["role"] for message in asked["messages"]] == ["user"]
    assert "«Алло»" in asked["messages"][-1]["content"][-1]["text"]


def test_every_turn_reads_what_the_one_before_has_written() -> None:
    """Turns with tools, and an interruption: nothing but what is new is read anew."""
    cache = PromptCache()
    history: list[HistoryItem] = [AgentSaid("Здравствуйте!")]
    for turn in range(12):
        history += [CallerSaid(f"вопрос {turn}")]
        used = cache.usage(body(*history))
        assert (used["cache_read_input_tokens"] > 0) == (turn > 0)
        assert used["input_tokens"] == 0
        for each in range(turn % 4):
            called = f"{turn}-{each}"
            history += [ToolCall(called, "find", {}), ToolResult(called, '{"total": 3}')]
            sent = body(*history, AgentSaid("Смотрю."))
            note = len(blocks_of(sent)[-1][0].encode()) // 4
            assert cache.usage(sent)["input_tokens"] == note
        history += [AgentSaid(f"Смотрю. Ответ {turn}", interrupted=turn % 3 == 0)]
    before = PromptCache().usage(body(*history))
    after = cache.usage(body(*history))
    total = sum(before.values())
    assert after["cache_read_input_tokens"] > 0.9 * total


def test_a_long_call_begins_later_and_says_so() -> None:
    history = [item for at in range(400) for item in (CallerSaid(f"вопрос {at}" * 4), AgentSaid("ответ" * 10))]
    asked = body(*history, CallerSaid("конец"), limits=Limits(history_tokens=2000))
    assert asked["messages"][0]["content"][0]["text"] == manner("ru").notes["left_out"]
    assert len(asked["messages"]) < 100
