"""A toolbox that answers what it was told to, after the delay it was told: for simulations and demonstrations."""

import json
from collections.abc import Mapping
from typing import Any

import trio

from callengine.ports.tools import CallerContext, ToolCall, ToolResult, ToolSpec
from callengine.services.tool_arguments import argument_problem


class ScriptedToolbox:
    """The given tools with fixed answers by tool name; a tool without one says honestly that it has none.

    `calls` is every call that was run, in order, right arguments or wrong.
    """

    def __init__(
        self, specs: tuple[ToolSpec, ...], answers: Mapping[str, Mapping[str, Any]], delay_seconds: float = 0.0
    ) -> None:
        self.specs = specs
        self.calls: list[ToolCall] = []
        self._answers = answers
        self._delay_seconds = delay_seconds

    async def check(self) -> None:
        """Always well."""
        await trio.lowlevel.checkpoint()

    async def run(self, call: ToolCall, _caller: CallerContext) -> ToolResult:
        """The tool's answer after the delay; see the port."""
        self.calls.append(call)
        await trio.sleep(self._delay_seconds)
        spec = next((spec for spec in self.specs if spec.name == call.name), None)
        if spec is None:
            return _error(call, f"there is no tool {call.name}")
        if problem := argument_problem(spec, call.arguments):
            return _error(call, problem)
        if call.name not in self._answers:
            return _error(call, f"nothing is written for {call.name}")
        return ToolResult(call.id, json.dumps(self._answers[call.name], ensure_ascii=False))


def _error(call: ToolCall, problem: str) -> ToolResult:
    return ToolResult(call.id, json.dumps({"error": problem}, ensure_ascii=False), is_error=True)
