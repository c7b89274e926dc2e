"""What can be said of an agent before it answers a call: its tools as the model sees them, their tokens, and warnings.

Tokens are an estimate by a stated rule, because the model's own count needs the model: one for every 3.5 ASCII
characters or 2 others (Cyrillic), of the text as it is sent.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from callengine.agent import AgentProfile
from callengine.ports.tools import ToolSpec

TOKEN_RULE = "one token for 3.5 ASCII characters or 2 others"  # noqa: S105
ASCII_A_TOKEN, OTHERS_A_TOKEN = 3.5, 2.0
CHARACTERS_A_SECOND = 14.0  # a calm voice on the phone, Russian or English
LONGEST_SECONDS = 12.0  # whoever is spoken to for longer interrupts or stops listening


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """A tool, the request it makes (`GET /products`), and what the agent file decides of it.

    `repeats`: sent again under its key it does nothing twice; `look_up`: what shows whether it was done."""

    spec: ToolSpec
    request: str
    trims: bool
    repeats: bool
    look_up: str


@dataclass(frozen=True, slots=True)
class AgentReport:
    """One agent. `warnings` are a line each."""

    language: str
    document: str
    tools: Sequence[ToolFacts]
    instruction_tokens: int
    tool_tokens: Sequence[int]
    warnings: Sequence[str]

    @property
    def tokens(self) -> int:
        """What every turn begins with: instructions and tools."""
        return self.instruction_tokens + sum(self.tool_tokens)


def report_on(agent: AgentProfile, tools: Sequence[ToolFacts]) -> AgentReport:
    """Everything `callengine check` tells of an agent."""
    return AgentReport(
        agent.language,
        agent.document,
        tools,
        estimated_tokens(agent.instructions),
        [estimated_tokens(as_sent(tool.spec)) for tool in tools],
        [*_warn_of_phrases(agent), *(line for tool in tools for line in _warn_of(tool, agent))],
    )


def estimated_tokens(text: str) -> int:
    """See the module."""
    ascii_characters = sum(character.isascii() for character in text)
    return math.ceil(ascii_characters / ASCII_A_TOKEN + (len(text) - ascii_characters) / OTHERS_A_TOKEN)


def as_sent(spec: ToolSpec) -> str:
    """A tool as the Messages API takes it."""
    shown = {"name": spec.name, "description": spec.description, "input_schema": spec.parameters}
    return json.dumps(shown, ensure_ascii=False)


def spoken_seconds(text: str) -> float:
    """About how long a voice takes to say it."""
    return len(text) / CHARACTERS_A_SECOND


def _warn_of_phrases(agent: AgentProfile) -> Iterator[str]:
    ends = ("goodbye", "too_long", "ending_soon")
    first, kept = ("recording_notice", "greeting"), ("closed", "will_call_back", "say_again")
    fixed = (*first, *ends, "apology", "transferring", "failing", *kept)
    phrases: list[tuple[tuple[str | int, ...], str]] = [((name,), getattr(agent, name)) for name in fixed]
    phrases += [(("no_input", at), text) for at, text in enumerate(agent.no_input)]
    for place, text in phrases:
        if (seconds := spoken_seconds(text)) > LONGEST_SECONDS:
            told = f"takes about {seconds:.0f} s to say, over {LONGEST_SECONDS:.0f} s: make it shorter"
            yield agent.at(place, told)
    if not (agent.fillers or agent.one_moment):
        yield agent.at(
            ("fillers",), "there are none, nor `one_moment`: whoever waits for the model or a tool hears nothing"
        )
    if not agent.instructions.strip():
        yield agent.at(("instructions",), "is empty: the model knows nothing of the shop")


def _warn_of(tool: ToolFacts, agent: AgentProfile) -> Iterator[str]:
    place = ("tools", tool.spec.name)
    if not tool.trims and not tool.spec.writes:
        yield agent.at(place, "has no `keep`: the model gets the whole answer, of which every later turn pays a part")
    if tool.spec.writes and not tool.repeats and not tool.look_up:
        yield agent.at(
            place,
            "writes, the Store's document has no Idempotency-Key for it, and no `look_up` is named: after a lost "
            "answer the caller can only be promised a call back",
        )
