"""The agent file: what is packaged can be used, and what is wrong with another is one line."""

from pathlib import Path

import pytest

from callengine.agent import load_agent
from callengine.errors import ConfigError
from callengine.ports.synthesis import Prompt

GOOD = """
language = "en-US"
greeting = "Hello."
goodbye = "Bye."
apology = "Sorry."
transferring = "One moment."
too_long = "Time is up."
no_input = ["Hello?"]
"""


@pytest.mark.parametrize("language", ["ru-RU", "ru", "en-US", "en-GB"])
def test_a_packaged_agent_speaks_its_language(language: str) -> None:
    agent = load_agent(None, language)
    assert agent.language.split("-")[0] == language.split("-")[0]
    assert agent.instructions
    assert agent.transfer.default in agent.transfer.targets
    prompts = agent.fixed_prompts()
    assert Prompt(agent.greeting, agent.language, agent.voice) in prompts
    assert {prompt.text for prompt in prompts} >= {agent.goodbye, agent.apology, *agent.no_input}


def test_a_language_without_an_agent_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match="AGENT_FILE") as caught:
        load_agent(None, "fi-FI")
    assert caught.value.variable == "CALL_LANGUAGE"


def test_a_file_of_one_s_own(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(GOOD, encoding="utf-8")
    agent = load_agent(path, "ru-RU")
    assert (agent.language, agent.no_input) == ("en-US", ("Hello?",))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (b"language = ", "is not TOML"),
        (b"", "language"),
        (GOOD.replace("Hello.", "").encode(), "greeting"),
        (GOOD.encode() + b"greting = 'x'\n", "greting"),
        (GOOD.encode() + b"[transfer]\nqueue = 'x'\n", "transfer.queue"),
        (GOOD.replace('["Hello?"]', '"Hello?"').encode(), "no_input"),
        (b"\xff\xfe\x00", "is not UTF-8"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path, text: bytes, part: str) -> None:
    path = tmp_path / "agent.toml"
    path.write_bytes(text)
    with pytest.raises(ConfigError) as caught:
        load_agent(path, "ru-RU")
    line = str(caught.value)
    assert line.startswith("AGENT_FILE: ")
    assert str(path) in line
    assert part in line
    assert "\n" not in line


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(ConfigError, match="AGENT_FILE: cannot read"):
            load_agent(path, "ru-RU")
