"""The tools that every call has, whatever its dialog: as an agent's model sees them. Pure.

They are the same for every call of an agent, at any hour: what a model is told first must not change, or nothing of it
is cached."""

from collections.abc import Mapping
from typing import Any

from callengine.agent import AgentProfile
from callengine.ports.reasoning import CALL_BACK, END_CALL, REPEAT, TRANSFER
from callengine.ports.tools import ToolSpec


def built_in_tools(agent: AgentProfile) -> tuple[ToolSpec, ...]:
    """An agent without transfer targets has no tool for them."""
    transfer = (_transfer_to(agent),) if agent.transfer.targets else ()
    return (END_CALL, *transfer, CALL_BACK, REPEAT)


def _transfer_to(agent: AgentProfile) -> ToolSpec:
    """The tool with the names of the agent's targets, and what the agent file says of them."""
    targets = agent.transfer.targets
    known = [f"{name}: {target.description}" for name, target in targets.items() if target.description]
    usual = f"Left out: {agent.transfer.default}." if agent.transfer.default else ""
    about = " ".join(part for part in ("Who.", *(f"{one.rstrip('.')}." for one in known), usual) if part)
    target: Mapping[str, Any] = {"type": "string", "enum": list(targets), "description": about}
    parameters = {
        **TRANSFER.parameters,
        "properties": {**TRANSFER.parameters["properties"], "target": target},
        "required": ["summary"] if agent.transfer.default else ["target", "summary"],
    }
    return ToolSpec(TRANSFER.name, TRANSFER.description, parameters)
