"""The agent file: what is packaged can be used, and what is wrong with another is one line."""

from pathlib import Path

import pytest

from callengine.agent import load_agent
from callengine.answering import load_agents
from callengine.errors import ConfigError
from callengine.ports.control import Destination, Place
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


@pytest.mark.parametrize(
    ("language", "words"),
    [("ru-RU", ("Заказ оформляешь ты", "спроси", "«да»")), ("en-GB", ("You take orders", "ask", "yes"))],
)
def test_a_packaged_agent_takes_orders_and_asks_first(language: str, words: tuple[str, ...]) -> None:
    agent = load_agent(None, language)
    assert {tool.operation for tool in agent.tools.values()} >= {"createOrder", "cancelOrder"}
    assert all(word in agent.instructions for word in words)


@pytest.mark.parametrize("language", ["ru-RU", "en-GB"])
def test_a_packaged_agent_has_every_phrase_at_hand(language: str) -> None:
    agent = load_agent(None, language)
    prompts = {prompt.text for prompt in agent.fixed_prompts()}
    assert agent.ending_soon
    assert prompts >= {agent.ending_soon, agent.one_moment, *agent.fillers}


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
        (GOOD.encode() + b"[transfer]\ntargets = ['a b']\n", "transfer.targets"),
        (GOOD.encode() + b"[transfer]\ntargets = ['sales']\ndefault = 'people'\n", "'people' is not among"),
        (GOOD.encode() + b"[transfer.targets.sales]\nredirect = 'sales'\n", "transfer.targets.sales.redirect"),
        (GOOD.encode() + b"[transfer.targets.sales]\nplace = 'sales'\n", "transfer.targets.sales.place"),
        (GOOD.encode() + b"complete = ['[0-9{6}']\n", "complete.0: is no regular expression: unterminated"),
        (GOOD.encode() + b"[transfer]\ntargets = ['sales']\non_failure = 'people'\n", "on_failure: 'people' is not"),
        (
            GOOD.encode() + b"[hours]\nzone = 'Europe/London'\n",
            "agent.toml:9: hours: the phrases closed and will_call_back are needed",
        ),
        (GOOD.encode() + b"[hours]\nzone = 'London'\n", "agent.toml:10: hours.zone: there is no time zone 'London'"),
        (
            GOOD.encode() + b"[hours]\nzone = 'Europe/London'\nmonday = '9-18'\n",
            "agent.toml:11: hours.monday: '9-18' is no range of times such as",
        ),
        (
            GOOD.encode() + b"[hours]\nzone = 'Europe/London'\n\nexceptions.2026-13-01 = '09:00-10:00'\n",
            "hours.exceptions.2026-13-01",
        ),
        (GOOD.encode() + b"[tools.end_call]\noperation = 'x'\n", "end_call is a tool that every call has"),
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


def test_targets_by_name_or_with_more_to_say(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    named = GOOD + '[transfer]\ntargets = ["sales", "front-desk"]\n'
    more = GOOD + '[transfer.targets.sales]\n[transfer.targets.night]\ndialplan = "n1"\nredirect = "other,600,2"\n'
    path.write_text(named, encoding="utf-8")
    sales = Destination("sales", Place("callengine-transfer", "sales", 1))
    assert load_agent(path, "en").transfer.destination("sales") == sales
    path.write_text(more, encoding="utf-8")
    transfer = load_agent(path, "en").transfer
    assert transfer.destination("sales") == sales
    assert transfer.destination("night") == Destination("n1", Place("other", "600", 2))


def test_a_folder_has_an_agent_for_each_language(tmp_path: Path) -> None:
    for language in ("en-US", "de-DE"):
        (tmp_path / f"{language}.toml").write_text(GOOD.replace("en-US", language), encoding="utf-8")
    agents = load_agents(tmp_path, "de-AT")
    assert agents.default.language == "de-DE"
    assert {name: agent.language for name, agent in agents.others.items()} == {"en": "en-US", "de": "de-DE"}
    assert len(agents.fixed_prompts()) == 2 * len(agents.default.fixed_prompts())
    with pytest.raises(ConfigError, match=r"AGENT_FILE: no \*.toml in the folder .* is an agent for 'ru-RU'"):
        load_agents(tmp_path, "ru-RU")


def test_a_file_is_the_only_agent(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(GOOD, encoding="utf-8")
    agents = load_agents(path, "ru-RU")
    assert (agents.default.language, agents.others) == ("en-US", {})
