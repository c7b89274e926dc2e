"""A Store that misbehaves on purpose, for tests: switched on by its command line alone.

`--fault KIND[=VALUE]` spoils requests, all of them or the first `--fault-times`, of all methods or `--fault-on` one.
"""

from dataclasses import dataclass

import trio
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callengine.services.demo_store.problems import problem_response

_SECONDS = ("slow", "late")
_NUMBERS = (*_SECONDS, "status")
KINDS = """\
slow=SECONDS (waits, then does it), late=SECONDS (does it, then waits with the answer), lost (does it and answers with a
fault of its own), html, huge, status=CODE (a problem document), down (every connection is closed at once)"""
_HUGE = 400_000


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `amount` is seconds or a status; `method` empty: any; `times` None: always."""

    kind: str
    amount: float = 0.0
    method: str = ""
    times: int | None = None


def read_fault(text: str, method: str, times: int | None) -> Fault:
    """The fault of a command line. Raises ValueError."""
    kind, _, amount = text.partition("=")
    if kind not in (*_NUMBERS, "lost", "html", "huge", "down") or (kind in _NUMBERS) != bool(amount):
        raise ValueError(f"{text!r} is none of {' '.join(KINDS.split())}")
    return Fault(kind, float(amount or 0), method.upper(), times)


class FaultyStore:
    """The Store behind a fault; it counts what it has spoilt. ASGI."""

    def __init__(self, app: ASGIApp, fault: Fault) -> None:
        self._app = app
        self._fault = fault
        self._left = fault.times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or not self._spoils(scope["method"]):
            await self._app(scope, receive, send)
            return
        await _spoilt(self._app, self._fault)(scope, receive, send)

    def _spoils(self, method: str) -> bool:
        if self._left == 0 or self._fault.method not in ("", method):
            return False
        self._left = None if self._left is None else self._left - 1
        return True


def _spoilt(app: ASGIApp, fault: Fault) -> ASGIApp:
    match fault.kind:
        case "html":
            return HTMLResponse("<html><body><h1>Welcome</h1></body></html>")
        case "huge":
            return JSONResponse({"items": ["x" * _HUGE], "total": 1})
        case "status":
            return problem_response(int(fault.amount), "a fault was asked for on the command line")
        case _:
            return _late(app, fault)


def _late(app: ASGIApp, fault: Fault) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        answered = False

        async def send_late(message: Message) -> None:
            nonlocal answered
            if not answered and fault.kind == "late":
                await trio.sleep(fault.amount)
            answered = True
            await send(message)

        async def keep(_message: Message) -> None:
            await trio.lowlevel.checkpoint()

        if fault.kind == "slow":
            await trio.sleep(fault.amount)
        await app(scope, receive, keep if fault.kind == "lost" else send_late)
        if fault.kind == "lost":
            await Response("the answer was lost", 502)(scope, receive, send)

    return serve


async def close_at_once(stream: trio.SocketStream) -> None:
    """What `down` does with every connection."""
    await trio.aclose_forcefully(stream)
