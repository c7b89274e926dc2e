"""`callengine check`: an agent file before it answers calls."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import trio
import typer

from backends.dialog.claude_cache import READ_ON, SOURCE, Caching, caching_of
from backends.dialog.claude_prompt import prefix_of
from callengine.agent import AgentProfile
from callengine.agent_check import TOKEN_RULE, AgentReport, ToolFacts, estimated_tokens, report_on
from callengine.answering import load_agents
from callengine.call.built_in import built_in_tools
from callengine.cli.settings import read_settings
from callengine.config import Settings
from callengine.errors import ConfigError
from callengine.services.memory_writes import MemoryWriteLog
from callengine.services.store import open_store
from callengine.services.store_tools import StoreTool
from callengine.toolboxes import agent_tools

OWN = "the call's own"  # a tool that asks nothing of the Store
_NO_STORE = "http://localhost"  # of which nothing is asked
_AGENT = typer.Argument(help="An agent file, or a folder of them; without it AGENT_FILE, or the packaged ones.")
_AS_JSON = typer.Option("--json", help="One JSON object: the agents, their tools as the model sees them, warnings.")


def check(
    agent: Annotated[Path | None, _AGENT] = None,
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Show an agent's tools as the model will see them, estimate tokens, warn of what callers would stumble over, and
    of a prompt too short for CLAUDE_MODEL's cache.

    The tools are made as at the engine's start: from the Store's OpenAPI document and the file's [tools]. Nothing is
    asked of the Store but its document, and that only where the file names none (STORE_API_URL).

    Exit status: 0 it can be used (warnings too), 2 it cannot: one line names the line of the file.
    """
    settings = read_settings()
    reports = trio.run(_examine, settings, agent or settings.agent_file)
    if as_json:
        typer.echo(json.dumps({"agents": [_as_json(report) for report in reports]}, ensure_ascii=False))
        return
    for report in reports:
        _show(report)


@dataclass(frozen=True, slots=True)
class Checked:
    """An agent, and what its prompt is to the cache of each of Claude's models in the settings."""

    report: AgentReport
    caching: list[Caching]
    recording: list[str]

    @property
    def warnings(self) -> list[str]:
        return [
            *self.report.warnings,
            *self.recording,
            *(caching.warning for caching in self.caching if caching.warning),
        ]


async def _examine(settings: Settings, path: Path | None) -> list[Checked]:
    agents = load_agents(path, settings.call_language)
    every = {agent.language: agent for agent in (agents.default, *agents.others.values())}
    documents: dict[str, Any] = {}
    token = settings.store_api_token.get_secret_value() if settings.store_api_token else ""
    async with open_store(settings.store_api_url or _NO_STORE, token, MemoryWriteLog()) as store:
        reports = []
        for agent in every.values():
            _document_is_known(settings, agent)
            tools = await agent_tools(store, agent, documents)
            own = [ToolFacts(spec, OWN, True, True, "") for spec in built_in_tools(agent)]
            report = report_on(agent, [*(_facts(tool) for tool in tools), *own])
            reports.append(Checked(report, _caching(settings, agent, report), _warn_of_recording(settings, agent)))
        return reports


def _document_is_known(settings: Settings, agent: AgentProfile) -> None:
    if agent.tools and not agent.document and not settings.store_api_url:
        problem = "is not set, and [store] of the agent file names no document: there is nothing to make tools from"
        raise ConfigError("STORE_API_URL", problem)


def _caching(settings: Settings, agent: AgentProfile, report: AgentReport) -> list[Caching]:
    specs = [tool.spec for tool in report.tools]
    prefix = json.dumps(prefix_of(agent.instructions, specs, agent.language), ensure_ascii=False)
    models = (settings.claude_model, settings.claude_fallback_model)
    return [caching_of(model, estimated_tokens(prefix)) for model in models if model]


def _warn_of_recording(settings: Settings, agent: AgentProfile) -> list[str]:
    if not settings.recording or agent.recording_notice:
        return []
    told = "is not there, and RECORDING is on: callers are recorded without being told, which many laws forbid"
    return [agent.at(("recording_notice",), told)]


def _facts(tool: StoreTool) -> ToolFacts:
    request = f"{tool.operation.method} {tool.operation.path}"
    return ToolFacts(tool.spec, request, tool.keep is not None, tool.repeats, tool.look_up)


def _as_json(checked: Checked) -> dict[str, Any]:
    report = checked.report
    tools = [
        {
            "name": tool.spec.name,
            "description": tool.spec.description,
            "input_schema": tool.spec.parameters,
            "writes": tool.spec.writes,
            "request": tool.request,
            "tokens": tokens,
        }
        for tool, tokens in zip(report.tools, report.tool_tokens, strict=True)
    ]
    return {
        "language": report.language,
        "document": report.document,
        "tools": tools,
        "tokens": {
            "rule": TOKEN_RULE,
            "instructions": report.instruction_tokens,
            "tools": sum(report.tool_tokens),
            "all": report.tokens,
        },
        "caching": [asdict(caching) | {"source": SOURCE, "read_on": READ_ON} for caching in checked.caching],
        "warnings": checked.warnings,
    }


def _show(checked: Checked) -> None:
    report = checked.report
    own = sum(tool.request == OWN for tool in report.tools)
    where = report.document or "the Store itself"
    typer.echo(f"{report.language}: {len(report.tools) - own} tools of {where}, {own} that every call has")
    for tool, tokens in zip(report.tools, report.tool_tokens, strict=True):
        kind = "writes" if tool.spec.writes else "reads"
        typer.echo(f"\n{tool.spec.name} ({kind}, {tool.request}, {tokens} tokens)\n  {tool.spec.description}")
        required = tool.spec.parameters.get("required", [])
        for name, schema in tool.spec.parameters["properties"].items():
            must = ", required" if name in required else ""
            shape = {key: value for key, value in schema.items() if key != "description"}
            typer.echo(f"  - {name}{must}: {schema.get('description', '')} {json.dumps(shape, ensure_ascii=False)}")
    told = f"instructions {report.instruction_tokens}, tools {sum(report.tool_tokens)}; estimated: {TOKEN_RULE}"
    typer.echo(f"\ntokens: {report.tokens} ({told})")
    for caching in checked.caching:
        least = f"at least {caching.least_tokens}" if caching.least_tokens else "an unknown number"
        typer.echo(f"prompt caching: every call begins with {caching.prefix_tokens}, {caching.model} wants {least}")
    for warning in checked.warnings:
        typer.echo(f"warning: {warning}")
