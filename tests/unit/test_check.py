"""`callengine check`: an agent's tools as the model sees them, what they cost, and what is wrong by line."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from callengine.agent import load_agent
from callengine.agent_check import estimated_tokens, spoken_seconds
from callengine.cli.main import command_line
from callengine.errors import ConfigError
from tests.agent_files import PHRASES, write_agent

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/things": {
            "get": {"operationId": "find", "description": "Find things."},
            "post": {"operationId": "make", "description": "Make a thing."},
        }
    },
}


def check(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(command_line("check"), ["check", *arguments], env=environ)


@pytest.mark.parametrize("language", ["ru-RU", "en-GB"])
def test_the_packaged_agents_are_without_a_warning(language: str) -> None:
    result = check("--json", CALL_LANGUAGE=language)
    assert result.exit_code == 0, result.output
    reports = json.loads(result.stdout)["agents"]
    assert {report["language"] for report in reports} == {"ru-RU", "en-GB"}
    assert reports[0]["language"] == language
    for report in reports:
        assert report["warnings"] == []
        assert len(report["tools"]) == 7 + 4
        place = next(tool for tool in report["tools"] if tool["name"] == "place_order")
        assert (place["writes"], place["request"]) == (True, "POST /orders")
        assert place["input_schema"]["required"] == ["items", "branch_id"]
        tokens = report["tokens"]
        assert tokens["all"] == tokens["instructions"] + sum(tool["tokens"] for tool in report["tools"])


@pytest.mark.parametrize(("model", "least"), [("claude-haiku-5-5", 512), ("claude-haiku-4-5-20251001", 4096)])
def test_the_prompt_is_compared_with_what_the_model_caches(model: str, least: int) -> None:
    report = json.loads(check("--json", CALL_LANGUAGE="en-GB", CLAUDE_MODEL=model).stdout)["agents"][0]
    (caching,) = report["caching"]
    assert (caching["model"], caching["least_tokens"]) == (model, least)
    assert caching["prefix_tokens"] > report["tokens"]["all"], "what the engine itself tells the model counts"
    assert caching["source"].startswith("https://")
    assert bool(report["warnings"]) == (caching["prefix_tokens"] < least)


def test_a_prompt_too_short_for_the_cache_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(PHRASES + 'one_moment = "Wait."\ninstructions = "Be brief."\n', encoding="utf-8")
    models = {"CLAUDE_MODEL": "claude-opus-4-6", "CLAUDE_FALLBACK_MODEL": "claude-unheard-of"}
    shown = check(str(path), **models).output
    assert "tokens, and claude-opus-4-6 caches none under 4096" in shown
    assert "claude-unheard-of wants an unknown number" in shown
    warnings = json.loads(check(str(path), "--json", **models).stdout)["agents"][0]["warnings"]
    assert len(warnings) == 1


def test_tools_are_shown_as_the_model_sees_them() -> None:
    shown = check(CALL_LANGUAGE="en-GB").output
    assert "cancel_order (writes, POST /orders/{number}/cancel, " in shown
    assert "request_call_back (writes, the call's own, " in shown
    assert "- number, required: Order number, as the customer reads it out." in shown
    assert "Idempotency-Key" not in shown
    assert "- limit" not in shown
    assert "estimated: one token for 3.5 ASCII characters or 2 others" in shown


def test_warnings_name_the_line(tmp_path: Path) -> None:
    path = write_agent(
        tmp_path,
        DOCUMENT,
        f'no_input = ["Hello?", "{"word " * 40}"]\n'
        '[tools.find]\noperation = "find"\n'
        '[tools.make]\noperation = "make"\nkeep = "id"\n',
    )
    warnings = json.loads(check(str(path), "--json").stdout)["agents"][0]["warnings"]
    assert warnings[0] == f"{path}:8: no_input.1: takes about 14 s to say, over 12 s: make it shorter"
    assert warnings[1].startswith(f"{path}:1: fillers: there are none")
    assert warnings[2].startswith(f"{path}:1: instructions: is empty")
    assert warnings[3].startswith(f"{path}:9: tools.find: has no `keep`")
    assert warnings[4].startswith(f"{path}:11: tools.make: writes, the Store's document has no Idempotency-Key")
    assert len(warnings) == 5


def test_an_agent_without_tools_needs_no_store(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(PHRASES, encoding="utf-8")
    assert "en-GB: 0 tools of the Store itself, 3 that every call has" in check(str(path)).output


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '[tools.find]\noperation = "found"\n',
            "AGENT_FILE: {path}:9: tools.find.operation: the Store's document has no",
        ),
        ("[tools.find]\n", "AGENT_FILE: {path}:8: tools.find.operation: Field required"),
        ("greeting = ''\n", "AGENT_FILE: {path} is not TOML: Cannot overwrite a value (at line 8"),
        ("store = {}\n", "AGENT_FILE: {path} is not TOML:"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    path = write_agent(tmp_path, DOCUMENT, text)
    result = check(str(path))
    assert isinstance(result.exception, ConfigError)
    assert str(result.exception).startswith(line.format(path=path))


def test_tools_without_a_document_or_a_store_say_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(PHRASES + '[tools.find]\noperation = "find"\n', encoding="utf-8")
    result = check(str(path), STORE_API_URL="")
    assert isinstance(result.exception, ConfigError)
    assert str(result.exception).startswith(
        "STORE_API_URL: is not set, and [store] of the agent file names no document"
    )


def test_the_estimate_is_by_the_stated_rule() -> None:
    assert estimated_tokens("") == 0
    assert estimated_tokens("a" * 35) == 10
    assert estimated_tokens("ш" * 20) == 10
    assert estimated_tokens("a" * 35 + "ш" * 20) == 20


def test_packaged_phrases_can_be_said() -> None:
    for language in ("ru-RU", "en-GB"):
        assert max(spoken_seconds(prompt.text) for prompt in load_agent(None, language).fixed_prompts()) < 12


def test_recording_without_a_notice_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(PHRASES + 'instructions = "Be brief."\n', encoding="utf-8")
    assert "recording_notice: is not there, and RECORDING is on" in check(str(path), RECORDING="on").output
    assert "recording_notice" not in check(str(path), RECORDING="off").output
    path.write_text(PHRASES + 'recording_notice = "This is recorded."\ninstructions = "Be brief."\n', encoding="utf-8")
    assert "RECORDING" not in check(str(path), RECORDING="on").output
    assert "RECORDING" not in check(RECORDING="on").output, "the packaged agents have one"
