"""The Store's tools over its HTTP API: httpx natively on Trio, every request under one deadline.

Whatever the Store does, the dialog gets a result it can speak about: what was found, or honestly why not.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from typing import Any, cast

import httpx
import trio
from pydantic import ValidationError

from callengine.errors import ConfigError, ServiceError
from callengine.ports.tools import CallerContext, ToolCall, ToolResult, ToolSpec
from callengine.services.store_tools import STORE_SPECS, STORE_TOOLS, MissingArgumentError, StoreRequest
from callengine.services.tool_arguments import argument_problem

DEADLINE_SECONDS = 3.0
_LARGEST_ANSWER = 256 * 1024
_LONGEST_DETAIL = 300
# The embedded Store is on loopback, where no proxy of the environment can reach it.
_DIRECT: dict[str, httpx.AsyncBaseTransport | None] = dict.fromkeys(
    ("all://127.0.0.1", "all://localhost", "all://[::1]"), None
)
_NOT_THE_API = "the store's system answered something that is not its API"


class _StoreError(Exception):
    """The Store gave no usable answer; the text is for the dialog, one line, and repeats no answer of a wrong kind."""


class HttpToolbox:
    """The tools of one Store. It keeps the pooled client; `open_toolbox` is the way in."""

    def __init__(self, client: httpx.AsyncClient, deadline_seconds: float) -> None:
        self._client = client
        self._deadline_seconds = deadline_seconds
        self._tools = {tool.spec.name: tool for tool in STORE_TOOLS}

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return STORE_SPECS

    async def check(self) -> None:
        """Ask for the branches. Raises ServiceError naming the Store's address when that does not work."""
        result = await self.run(ToolCall("check", "opening_hours"), CallerContext("check", "en"))
        if result.is_error:
            problem = json.loads(result.content)["error"]
            raise ServiceError(f"Store at {self._client.base_url}: {problem}; see STORE_API_URL and STORE_API_TOKEN")

    async def run(self, call: ToolCall, caller: CallerContext) -> ToolResult:
        """Run one tool within the deadline; see the port. Reading only: it may be cancelled at any time."""
        tool = self._tools.get(call.name)
        if tool is None:
            return _error(call, f"there is no tool {call.name}; there are {', '.join(self._tools)}")
        if problem := argument_problem(tool.spec, call.arguments):
            return _error(call, problem)
        try:
            request = tool.request(call.arguments, caller)
            answer = await self._ask(request)
            content = tool.trim(answer, caller.language.startswith("ru"))
        except (MissingArgumentError, _StoreError) as fault:
            return _error(call, str(fault))
        except ValidationError:
            return _error(call, _NOT_THE_API)
        return ToolResult(call.id, _json(content))

    async def _ask(self, request: StoreRequest) -> Any:
        with trio.move_on_after(self._deadline_seconds):
            try:
                async with self._client.stream("GET", request.path, params=dict(request.query)) as response:
                    body = await _read(response)
            except httpx.HTTPError:
                # The text of a transport's error may hold the address with the caller's number in it.
                raise _StoreError("the store's system cannot be reached") from None
            return _decode(response.status_code, body)
        raise _StoreError("the store's system did not answer in time")


@asynccontextmanager
async def open_toolbox(
    url: str,
    token: str = "",
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[HttpToolbox]:
    """The tools of the Store at a base URL (`http://store-api:3000/api/v1`). Nothing is asked of it yet.

    `transport` stands in for the network in tests. Raises ConfigError for what is no URL or no token.
    """
    try:
        base = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigError("STORE_API_URL", f"is not a URL: {error}") from None
    if base.scheme not in ("http", "https") or not base.host:
        raise ConfigError("STORE_API_URL", "must be http:// or https:// and a host, like http://store-api:3000/api/v1")
    if not (token.isascii() and token.isprintable()):
        raise ConfigError("STORE_API_TOKEN", "holds characters that cannot stand in an HTTP header")
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    # No timeout of httpx's own: the deadline around a whole request is the only one.
    client = httpx.AsyncClient(base_url=base, headers=headers, timeout=None, transport=transport, mounts=_DIRECT)  # noqa: S113
    async with client:
        yield HttpToolbox(client, deadline_seconds)


async def _read(response: httpx.Response) -> bytes:
    body = b""
    async with aclosing(cast(AsyncGenerator[bytes, None], response.aiter_bytes())) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > _LARGEST_ANSWER:
                raise _StoreError(_NOT_THE_API)
    return body


def _decode(status: int, body: bytes) -> Any:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):  # no JSON, or nested beyond all reason
        answer = None
    if status == HTTPStatus.OK and answer is not None:
        return answer
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise _StoreError("the store's system refuses us")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _StoreError(f"the store's system has a fault of its own (status {status})")
    detail = answer.get("detail") if isinstance(answer, Mapping) else None
    if status >= HTTPStatus.BAD_REQUEST and isinstance(detail, str):
        raise _StoreError(" ".join(detail.split())[:_LONGEST_DETAIL])
    if status == HTTPStatus.NOT_FOUND:
        raise _StoreError("the store's system does not know it")
    raise _StoreError(_NOT_THE_API)


def _error(call: ToolCall, problem: str) -> ToolResult:
    return ToolResult(call.id, _json({"error": problem}), is_error=True)


def _json(content: dict[str, Any]) -> str:
    # A lone surrogate of a foreign answer would break whoever writes the result down.
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace").decode()
