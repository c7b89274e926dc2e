"""What the agent can do besides talking: tools with JSON arguments and an honest result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a language model sees it. `parameters` is a JSON Schema object; `writes`: it changes the Store."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    writes: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A request to run a tool; `id` pairs it with its result."""

    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a tool call. `content` is JSON text, also when `is_error` (then `{"error": "..."}`)."""

    id: str
    content: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class CallerContext:
    """What is known of the call before a word is said; the dialplan may register it."""

    call_id: str
    language: str
    number: str = ""
    name: str = ""
    called: str = ""
    channel: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Somebody has said who calls."""
        return bool(self.number or self.name or self.called or self.channel)


class Toolbox(Protocol):
    """The tools of one shop."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]: ...

    async def check(self) -> None:
        """Raise ServiceError when the Store cannot be reached."""
        ...

    async def run(self, call: ToolCall, caller: CallerContext) -> ToolResult:
        """Run one tool under the toolbox's own deadline. Faults of Store or arguments are results, not exceptions."""
        ...
