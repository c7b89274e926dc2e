"""What a person should know of a call before they speak, put together without a model: who calls, the caller's last
words as they were recognised, and what was looked up. It says nothing that was not said or done. Pure."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from callengine.agent import AgentProfile
from callengine.ports.reasoning import BUILT_IN, CallerSaid, HistoryItem, as_said
from callengine.ports.tools import CallerContext, ToolCall, ToolResult

LANGUAGES = ("ru", "en")
MOST_WORDS = 140  # characters of the caller's: a person with a telephone at the ear listens for seconds
MOST_TURNS = 3
MOST_TOOLS = 3
LONGEST = 600  # characters of one that a model has made
_BUILT_IN = frozenset(spec.name for spec in BUILT_IN)


def plain_summary(agent: AgentProfile, caller: CallerContext, history: Sequence[HistoryItem]) -> str:
    """A few short sentences in the agent's language, English where there are none in it."""
    words = load_words(agent.language)
    who = [words["name"].format(name=caller.name)] if caller.name else []
    said = _last_words([item.text for item in as_said(history) if isinstance(item, CallerSaid)])
    told = words["said"].format(said=said) if said else words["silent"]
    tools = _looked_up(history, {name: choice.title for name, choice in agent.tools.items() if choice.title})
    looked = [words["looked"].format(tools=", ".join(tools))] if tools else []
    return " ".join((*who, told, *looked))


def shortened(summary: str) -> str:
    """A model's summary on one line, as long as the record and the ear can bear."""
    return _cut(" ".join(summary.split()), LONGEST)


@cache
def load_words(language: str) -> Mapping[str, str]:
    """The sentences of a summary in a BCP-47 language."""
    name = language.split("-")[0].lower()
    text = files("callengine.call.words").joinpath("summaries.toml").read_text(encoding="utf-8")
    words: Mapping[str, str] = tomllib.loads(text)[name if name in LANGUAGES else "en"]
    return words


def _last_words(turns: Sequence[str]) -> str:
    """The last turns that fit, whole; of the last one as much as fits."""
    kept: list[str] = []
    room = MOST_WORDS
    for text in reversed([turn.strip() for turn in turns if turn.strip()][-MOST_TURNS:]):
        if kept and len(text) > room:
            break
        kept.insert(0, _cut(text, room))
        room -= len(text)
    return " ".join(text if text[-1] in ".!?…" else f"{text}." for text in kept)


def _looked_up(history: Sequence[HistoryItem], titles: Mapping[str, str]) -> Sequence[str]:
    """What was asked of the Store and found, each once, the last few."""
    found = {item.id for item in history if isinstance(item, ToolResult) and not item.is_error}
    names = [item.name for item in history if isinstance(item, ToolCall) and item.id in found]
    others = [name for name in dict.fromkeys(reversed(names)) if name not in _BUILT_IN]
    return [titles.get(name, name.replace("_", " ")) for name in others[:MOST_TOOLS]][::-1]


def _cut(text: str, characters: int) -> str:
    if len(text) <= characters:
        return text
    kept = text[:characters]
    return (kept.rpartition(" ")[0] or kept).rstrip(" ,;:") + "…"
