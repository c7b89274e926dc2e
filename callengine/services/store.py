"""The Store's tools over its HTTP API, as its document and an agent file make them.

Whatever the Store does, the dialog gets a result it can speak about: what was found, or honestly why not.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from callengine.errors import ServiceError
from callengine.ports.tools import CallerContext, ToolCall, ToolResult, ToolSpec
from callengine.ports.writes import Write, WriteLog
from callengine.services.store_answers import UNREACHABLE, StoreFaultError, as_text, trimmed
from callengine.services.store_client import DEADLINE_SECONDS, StoreClient, open_client
from callengine.services.store_requests import UnfitValueError, build_request, write_key
from callengine.services.store_tools import StoreTool, look_up_values, request_values
from callengine.services.store_writes import Wanted, Writer
from callengine.services.tool_arguments import argument_problem

_NOBODY_KNOWS = "nobody knows whether it was done; do not call this again"
_LOOK = f"{_NOBODY_KNOWS}. `found` is what the store has now: say honestly what it shows, or promise a call back"
_PROMISE = f"{_NOBODY_KNOWS}, say so, and promise that a person will call back"


class HttpToolbox:
    """The tools of one agent at one Store; see the port."""

    def __init__(self, client: StoreClient, writer: Writer, tools: tuple[StoreTool, ...]) -> None:
        self.specs: tuple[ToolSpec, ...] = tuple(tool.spec for tool in tools)
        self._client = client
        self._writer = writer
        self._tools = {tool.spec.name: tool for tool in tools}

    async def check(self) -> None:
        """Ask what needs no argument. Raises ServiceError naming the Store's address when that does not work."""
        tool = next((tool for tool in self._tools.values() if _asks_nothing(tool)), None)
        try:
            if tool is not None:
                trimmed(await self._client.ask(build_request(tool.operation, tool.choice.engine)), tool.keep)
            elif self._tools:
                await self._client.http.get("/")  # whatever it says to that
        except (StoreFaultError, httpx.HTTPError) as fault:
            problem = str(fault) if isinstance(fault, StoreFaultError) else UNREACHABLE
            raise ServiceError(
                f"Store at {self._client.url}: {problem}; see STORE_API_URL and STORE_API_TOKEN"
            ) from None

    async def run(self, call: ToolCall, caller: CallerContext) -> ToolResult:
        """Run one tool within the deadline; see the port. One that reads may be cancelled at any time."""
        tool = self._tools.get(call.name)
        if tool is None:
            return _error(call, f"there is no tool {call.name}; there are {', '.join(self._tools) or 'none'}")
        if problem := argument_problem(tool.spec, call.arguments):
            return _error(call, problem)
        try:
            values = request_values(tool, call.arguments, caller)
            request = build_request(tool.operation, values)
            if not tool.spec.writes:
                return ToolResult(call.id, as_text(trimmed(await self._client.ask(request), tool.keep)))
        except (UnfitValueError, StoreFaultError) as fault:
            return _error(call, str(fault))
        operation = tool.operation.name
        write = Write(write_key(caller.call_id, operation, values), caller.call_id, operation)
        try:
            return ToolResult(call.id, await self._writer.write(Wanted(tool, request, write)))
        except StoreFaultError as fault:
            if fault.fate != "unknown":
                return _error(call, str(fault))
            return await self._tell_unknown(call, tool, values, str(fault))

    async def _tell_unknown(self, call: ToolCall, tool: StoreTool, values: dict[str, Any], problem: str) -> ToolResult:
        """The result of a write that may have been done: what the tool to look with shows now, or what to promise."""
        found = self._tools.get(tool.look_up)
        asked = None if found is None else look_up_values(found, values)
        if found is not None and asked is not None:
            try:
                shown = trimmed(await self._client.ask(build_request(found.operation, asked)), found.keep)
                return ToolResult(call.id, as_text({"error": f"{problem}; {_LOOK}", "found": shown}), is_error=True)
            except (UnfitValueError, StoreFaultError):
                pass  # then only the promise is left
        return _error(call, f"{problem}; {_PROMISE}")


class Store:
    """One Store: its client and the record of what was written to it; `open_store` is the way in."""

    def __init__(self, client: StoreClient, writes: WriteLog) -> None:
        self.client = client
        self._writer = Writer(client, writes)

    def toolbox(self, tools: tuple[StoreTool, ...]) -> HttpToolbox:
        """The tools of one agent."""
        return HttpToolbox(self.client, self._writer, tools)


@asynccontextmanager
async def open_store(
    url: str,
    token: str,
    writes: WriteLog,
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Store]:
    """The Store at a base URL (`http://store-api:3000/api/v1`). Nothing is asked of it yet.

    `transport` stands in for the network in tests. Raises ConfigError for what is no URL or no token.
    """
    async with open_client(url, token, deadline_seconds, transport) as client:
        yield Store(client, writes)


def _asks_nothing(tool: StoreTool) -> bool:
    given = [value for value in tool.choice.engine.values() if not (isinstance(value, str) and "{" in value)]
    fixed = len(given) == len(tool.choice.engine)
    return (
        not tool.spec.writes
        and fixed
        and not any(
            parameter.required and parameter.name not in tool.choice.engine for parameter in tool.operation.parameters
        )
    )


def _error(call: ToolCall, problem: str) -> ToolResult:
    return ToolResult(call.id, as_text({"error": problem}), is_error=True)
