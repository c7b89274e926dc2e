"""A small stand-in for Asterisk's HTTP server: ARI and AMI as 22.10.1 answers them while a call is in AudioSocket().

Real HTTP on a free port of loopback. Its state is public; `fault` makes it misbehave."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, cast
from urllib.parse import parse_qsl

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from hypercorn.typing import ASGIFramework
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from callengine.services.asterisk import Access
from callengine.services.asterisk_channels import Channel

ARI_USER, ARI_PASSWORD = "ari_user", "ari:pass"
AMI_USER, AMI_PASSWORD = "ami_user", "ami pass&1"
BASIC = "Basic YXJpX3VzZXI6YXJpOnBhc3M="
COOKIE = 'mansession_id="3fd37e5a"'

Fault = Literal["", "silent", "error", "nonsense"]


@dataclass
class AsteriskHttp:
    """What the exchange knows and was told. `places`: the extensions that are there, as `exten@context`."""

    url: str = ""
    channels: list[Channel] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)  # of every channel
    global_variables: dict[str, str] = field(default_factory=dict)
    places: set[str] = field(default_factory=lambda: {"people@callengine-transfer"})
    moved: dict[str, str] = field(default_factory=dict)  # channel id -> context,exten,priority
    asked: list[str] = field(default_factory=list)  # method and path, or AMI's action
    fault: Fault = ""

    def access(self, ari: bool = True, ami: bool = False) -> Access:
        """How an engine asks it."""
        access = Access(f"{self.url}/ari")
        if ari:
            access = replace(access, ari_user=ARI_USER, ari_password=ARI_PASSWORD)
        if ami:
            access = replace(access, ami_user=AMI_USER, ami_password=AMI_PASSWORD)
        return access

    # ARI

    async def ari(self, request: Request) -> Response:
        """`/ari/…`"""
        self.asked.append(f"{request.method} {request.url.path}")
        if (wrong := await self._misbehave()) is not None:
            return wrong
        if request.headers.get("authorization") != BASIC:
            return JSONResponse({"message": "Authentication required"}, 401)
        match request.method, request.url.path.removeprefix("/ari/").split("/"):
            case "GET", ["asterisk", "info"]:
                return JSONResponse({"system": {"version": "22.10.1"}})
            case "GET", ["channels"]:
                return JSONResponse([_as_json(channel) for channel in self.channels])
            case "POST", ["asterisk", "variable"]:
                self.global_variables[request.query_params["variable"]] = request.query_params["value"]
                return Response(status_code=204)
            case "GET", ["channels", id_, "variable"] if self._with_id(id_):
                value = self.variables.get(request.query_params["variable"])
                if value is None:
                    return JSONResponse({"message": "Provided variable was not found"}, 404)
                return JSONResponse({"value": value})
            case "DELETE", ["channels", id_] if self._with_id(id_):
                self.channels.remove(self._with_id(id_)[0])
                return Response(status_code=204)
            case "POST", ["channels", id_, _] if self._with_id(id_):
                return JSONResponse({"message": "Channel not in Stasis application"}, 409)
            case _:
                return JSONResponse({"message": "Channel not found"}, 404)

    # AMI: every answer is HTTP 200

    async def rawman(self, request: Request) -> Response:
        """`/rawman`"""
        fields = dict(parse_qsl((await request.body()).decode()))
        action = fields["action"]
        self.asked.append(action)
        if (wrong := await self._misbehave()) is not None:
            return wrong
        if action == "Login":
            if (fields["username"], fields["secret"]) != (AMI_USER, AMI_PASSWORD):
                return _said("Error", "Authentication failed")
            answer = _said("Success", "Authentication accepted")
            answer.headers["Set-Cookie"] = f"{COOKIE}; Version=1; Max-Age=60"
            return answer
        if request.headers.get("cookie") != COOKIE:
            return _said("Error", "Permission denied")
        return self._act(action, fields)

    def _act(self, action: str, fields: dict[str, str]) -> Response:
        if action == "CoreShowChannels":
            first, last = "Response: Success\r\nEventList: start", "Event: CoreShowChannelsComplete\r\n\r\n"
            return PlainTextResponse("\r\n\r\n".join([first, *map(_as_event, self.channels), last]))
        if action == "ShowDialPlan":
            place = f"{fields['extension']}@{fields['context']}"
            return _said("Success", "DialPlan") if place in self.places else _said("Error", f"Did not find {place}")
        channels = self._with_id(fields["channel"])
        if not channels:
            return _said("Error", "Channel does not exist: " + fields["channel"])
        if action == "Redirect":
            self.moved[fields["channel"]] = f"{fields['context']},{fields['exten']},{fields['priority']}"
            return _said("Success", "Redirect successful")
        assert action == "Hangup"
        self.channels.remove(channels[0])
        return _said("Success", "Channel Hungup")

    def _with_id(self, id_: str) -> list[Channel]:
        return [channel for channel in self.channels if channel.id == id_]

    async def _misbehave(self) -> Response | None:
        match self.fault:
            case "silent":
                await trio.sleep_forever()
            case "error":
                return PlainTextResponse("Internal", 500)
            case "nonsense":
                return PlainTextResponse("<html>Welcome</html>")
        return None


def _as_json(channel: Channel) -> dict[str, Any]:
    doing = {"context": "inbound", "exten": channel.exten, "app_name": channel.app, "app_data": channel.data}
    caller = {"name": channel.caller_name, "number": channel.number}
    return {
        "id": channel.id,
        "name": channel.name,
        "state": "Up",
        "caller": caller,
        "dialplan": doing,
        "language": "en",
    }


def _as_event(channel: Channel) -> str:
    caller_name = channel.caller_name.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f"Event: CoreShowChannel\r\nChannel: {channel.name}\r\nCallerIDNum: {channel.number}\r\n"
        f"CallerIDName: {caller_name}\r\nAccountCode: \r\nContext: inbound\r\nExten: {channel.exten}\r\n"
        f"Uniqueid: {channel.id}\r\nApplication: {channel.app}\r\nApplicationData: {channel.data}"
    )


def _said(response: str, message: str) -> Response:
    return PlainTextResponse(f"Response: {response}\r\nMessage: {message}\r\n\r\n")


@asynccontextmanager
async def open_asterisk_http() -> AsyncIterator[AsteriskHttp]:
    """The stand-in, serving."""
    asterisk = AsteriskHttp()
    routes = [
        Route("/rawman", asterisk.rawman, methods=["POST"]),
        Route("/ari/{rest:path}", asterisk.ari, methods=["GET", "POST", "DELETE"]),
    ]
    listener = socket.create_server(("127.0.0.1", 0))
    asterisk.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.accesslog = config.errorlog = None
    config.graceful_timeout = 0.1
    async with trio.open_nursery() as nursery:
        app = cast(ASGIFramework, Starlette(routes=routes))
        await nursery.start(partial(serve, app, config, mode="asgi"))
        yield asterisk
        nursery.cancel_scope.cancel("the test is over")
