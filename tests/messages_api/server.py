"""The stand-in's server, on Trio within the test that asks it."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.messages_api.acts import Act, closing, contents, event, opening
from tests.messages_api.cache import PromptCache
from tests.own_process import in_own_process

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework

KEY = "sk-ant-of-the-tests"
SAMPLING = ("temperature", "top_p", "top_k")  # an error since the API's version 2026-10-21


@dataclass(frozen=True)
class Received:
    """One request for a message, as it came."""

    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


class BrokenOffError(Exception):
    """The connection is to be closed in the middle of the answer."""


@dataclass
class MessagesApi:
    """The stand-in. `acts` are played in their order, the last one again and again, unless `choose` picks one for a
    request; `model_facts` is what it says of the models it has."""

    acts: list[Act] = field(default_factory=lambda: [Act("Good.")])
    choose: Callable[[Mapping[str, Any]], Act] | None = None
    models: tuple[str, ...] = ("claude-haiku-5-5", "claude-sonnet-5-5")
    model_facts: dict[str, Any] = field(default_factory=dict)
    away: int = 0  # the status that every question for a model gets
    received: list[Received] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)
    cache: PromptCache = field(default_factory=PromptCache)
    worked: dict[str, list[float]] = field(default_factory=dict)  # by answer: its own seconds up to each word of it
    url: str = ""
    _left: int = 0
    _changed: trio.Event = field(default_factory=trio.Event)

    def will(self, *acts: Act) -> None:
        """What the next requests get."""
        self.acts = list(acts)

    async def wait_left(self, times: int) -> None:
        """Until so many answers were left by their client before their end."""
        while self._left < times:
            await self._changed.wait()

    async def wait_received(self, times: int) -> None:
        """Until so many requests for a message have come."""
        while len(self.received) < times:
            await self._changed.wait()

    def left(self) -> None:
        """A client has gone."""
        self._left += 1
        self._change()

    async def messages(self, request: Request) -> Response:
        """POST /v1/messages"""
        asked_at = trio.current_time()
        body = await request.body()
        assert request.client is not None
        self.connections.add((request.client.host, request.client.port))
        self.received.append(Received(body, dict(request.headers)))
        self._change()
        asked = json.loads(body)
        act = self.choose(asked) if self.choose else self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        if request.headers.get("authorization") != f"Bearer {KEY}":
            act = Act(status=401, error="authentication_error")
        if problem := problem_of(asked):
            act = Act(status=400, error="invalid_request_error")
            return JSONResponse(act.error_body() | {"problem": problem}, 400)
        if act.status != 200:
            return JSONResponse(act.error_body(), act.status)
        return Streamed(self, act, asked, asked_at)

    async def model(self, request: Request) -> Response:
        """GET /v1/models/{name}"""
        name = request.path_params["name"]
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse(Act(error="authentication_error").error_body(), 401)
        if self.away:
            return JSONResponse(Act().error_body(), self.away)
        if name not in self.models:
            return JSONResponse(Act(error="not_found_error").error_body(), 404)
        known = {"id": name, "type": "model", "display_name": name, "lifecycle": "active"}
        return JSONResponse({**known, "created_at": "2026-10-07T00:00:00Z", **self.model_facts})

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


class Streamed(Response):
    """One streamed answer."""

    def __init__(self, api: MessagesApi, act: Act, asked: Mapping[str, Any], asked_at: float) -> None:
        super().__init__(media_type="text/event-stream")
        del self.headers["content-length"]
        self._api, self._act, self._asked, self._asked_at = api, act, asked, asked_at
        self._number = len(api.received)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, receive, nursery.cancel_scope)
            await self._play(send)
            nursery.cancel_scope.cancel()

    async def _watch(self, receive: Receive, playing: trio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._api.left()
        playing.cancel()

    async def _play(self, send: Send) -> None:
        async def write(data: bytes, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": more})

        act = self._act
        await write(opening(self._asked["model"], self._number, self._api.cache.usage(self._asked)))
        await trio.sleep(act.silent_for)
        worked = self._api.worked[act.text] = []
        for part in contents(act, self._number):
            await write(part)
            if b"text_delta" in part:
                worked.append(trio.current_time() - self._asked_at - act.silent_for)
        match act.fault:
            case "stall":
                await trio.sleep_forever()
            case "break":
                await write(event("content_block_delta", index=0, delta={"type": "text_delta", "text": "half"})[:40])
                raise BrokenOffError
            case "error":
                await write(event("error", **{k: v for k, v in act.error_body().items() if k != "type"}), more=False)
            case "":
                await write(closing(act), more=False)


def problem_of(asked: Mapping[str, Any]) -> str:
    """What the real API would refuse with 400, among what a client of ours could do wrong."""
    messages = asked["messages"]
    if any(name in asked for name in SAMPLING):
        return "sampling parameters"
    if not messages or messages[0]["role"] != "user" or messages[-1]["role"] != "user":
        return "the messages do not begin and end with the user's"
    if any(
        block["type"] == "text" and not block["text"].strip() for message in messages for block in message["content"]
    ):
        return "empty text"
    called: set[str] = set()
    for message in messages:
        results = {block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"}
        if results != called:
            return "tool results do not stand behind their calls"
        kinds = [block["type"] for block in message["content"]]
        if kinds != sorted(kinds, key=lambda kind: kind != "tool_result") and results:
            return "tool results do not come first in their message"
        called = {block["id"] for block in message["content"] if block["type"] == "tool_use"}
    return ""


@asynccontextmanager
async def open_messages_api(acts: Iterable[Act] = ()) -> AsyncIterator[MessagesApi]:
    """Serve a stand-in on a free port of loopback while the block runs."""
    api = MessagesApi()
    api.will(*(acts or api.acts))
    app = Starlette(
        routes=[
            Route("/v1/messages", api.messages, methods=["POST"]),
            Route("/v1/models/{name}", api.model, methods=["GET"]),
        ]
    )
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = None  # an answer that breaks off on purpose is no error
    config.graceful_timeout = 1.0
    config.keep_alive_timeout = 75.0
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        # The two libraries spell ASGI's types differently.
        run = partial(serve, cast("ASGIFramework", app), config, shutdown_trigger=stop.wait)
        binds: list[str] = await nursery.start(run)
        api.url = binds[0]
        yield api
        stop.set()
        nursery.cancel_scope.deadline = trio.current_time() + 5


@contextmanager
def running_messages_api() -> Iterator[str]:
    """The stand-in as a process of its own, for an engine that is one too; gives its URL."""
    with in_own_process("tests.messages_api") as url:
        yield url
