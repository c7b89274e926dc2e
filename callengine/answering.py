"""Which agent answers: one engine may have an agent for each language, and the dialplan says what a caller speaks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from callengine.agent import PACKAGED, AgentProfile, load_agent
from callengine.errors import ConfigError
from callengine.ports.synthesis import Prompt
from callengine.ports.tools import CallerContext


@dataclass(frozen=True, slots=True)
class Agents:
    """The agents of one engine: the one that answers, and those for callers of other languages (`en`, `de`, …)."""

    default: AgentProfile
    others: Mapping[str, AgentProfile] = field(default_factory=dict)

    def answering(self, caller: CallerContext) -> tuple[AgentProfile, CallerContext]:
        """The agent for a caller, and the caller with the language that is listened for.

        A whole tag (`de-DE`) is listened for as it is, whoever answers. A bare one (`de`, as Asterisk's channels have
        it) picks the agent; what it speaks is then listened for: recognisers want to know the region."""
        agent = self.others.get(_primary(caller.language), self.default)
        return agent, caller if "-" in caller.language else replace(caller, language=agent.language)

    def fixed_prompts(self) -> tuple[Prompt, ...]:
        """Every phrase of every agent known before a call."""
        agents = (self.default, *(agent for agent in self.others.values() if agent is not self.default))
        return tuple(prompt for agent in agents for prompt in agent.fixed_prompts())


def load_agents(path: Path | None, language: str) -> Agents:
    """The agents of a configuration: of a file the one in it; of a folder all its `*.toml`, the first for `language`
    being the default; without either the packaged ones. Raises ConfigError."""
    if path is None:
        default = load_agent(None, language)
        every = [load_agent(None, other) for other in PACKAGED]
    elif path.is_dir():
        every = [load_agent(file, language) for file in sorted(path.glob("*.toml"))]
        default = _first_for(language, every, path)
    else:
        return Agents(load_agent(path, language))
    return Agents(default, {_primary(agent.language): agent for agent in (*every, default)})


def _first_for(language: str, agents: list[AgentProfile], folder: Path) -> AgentProfile:
    for agent in agents:
        if _primary(agent.language) == _primary(language):
            return agent
    raise ConfigError("AGENT_FILE", f"no *.toml in the folder {str(folder)!r} is an agent for {language!r}")


def _primary(language: str) -> str:
    """A language tag without its region (RFC 5646, "primary language subtag")."""
    return language.partition("-")[0]
