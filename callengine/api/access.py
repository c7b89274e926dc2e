"""Who may ask what (DESIGN section 2): bearer tokens, and loopback alone where there are none."""

import re
from dataclasses import dataclass
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address
from typing import Literal
from urllib.parse import urlsplit

import trio
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from callengine.api.failed_tokens import FailedTokens
from callengine.api.problems import problem
from callengine.config import Settings
from callengine.metrics import refused_tokens_total

READING = frozenset({"GET", "HEAD"})
SOUND = re.compile(r"/api/v1/calls/[^/]+/recording/?")  # a voice is personal as no line of the record is


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """The two bearer tokens, as they come on the wire; empty where not set."""

    full: bytes
    read: bytes


def tokens_of(settings: Settings) -> Tokens:
    """The tokens a configuration asks for."""
    full, read = settings.api_token, settings.api_read_token
    return Tokens(
        full.get_secret_value().encode() if full else b"",
        read.get_secret_value().encode() if read else b"",
    )


def refusal(scope: Scope, tokens: Tokens) -> str:
    """Why an ASGI request is refused, or an empty string when it is allowed.

    `/health*` and `/metrics` are open. A token opens everything (`read` only GET, and no recording). Without `full`,
    loopback peers need no token, but a page in their browser must not speak for them: Host and Origin have to be
    loopback names too.
    """
    if _is_open(scope["path"]):
        return ""
    headers = dict(scope["headers"])
    given = _bearer(headers.get(b"authorization", b""))
    # Both are always compared, so that the time taken says nothing about which one was near.
    is_full = _same(given, tokens.full)
    knows_read = _same(given, tokens.read)
    is_read = knows_read and scope["method"] in READING and not SOUND.fullmatch(scope["path"])
    if is_full or is_read:
        return ""
    if tokens.full:
        return "API_TOKEN is needed: the read token is not enough here" if knows_read else "a bearer token is needed"
    if not _is_loopback_peer(scope.get("client")):
        return "API_TOKEN is not set, so only loopback is served"
    if not all(_is_loopback_name(name) for name in _named_hosts(headers)):
        return "API_TOKEN is not set, so only requests to localhost are served"
    return ""


def token_given(scope: Scope, tokens: Tokens) -> Literal["none", "wrong", "right"]:
    """What the request has for a token. `none` where none is set, or where the path is open: nothing is guessed."""
    given = _bearer(dict(scope["headers"]).get(b"authorization", b""))
    if not given or not (tokens.full or tokens.read) or _is_open(scope["path"]):
        return "none"
    is_full, is_read = _same(given, tokens.full), _same(given, tokens.read)
    return "right" if is_full or is_read else "wrong"


def guarded(app: ASGIApp, tokens: Tokens) -> ASGIApp:
    """The application behind `refusal`; refused requests get 401, those of a peer that guesses tokens 429."""
    failed = FailedTokens()

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        answer = _refused(scope, tokens, failed) if scope["type"] == "http" else None
        await (answer or app)(scope, receive, send)

    return guard


def _refused(scope: Scope, tokens: Tokens, failed: FailedTokens) -> Response | None:
    peer, now = (scope.get("client") or ("",))[0], trio.current_time()
    given = token_given(scope, tokens)
    wait = failed.wait_seconds(peer, now)
    if given != "none" and wait and not (given == "right" and failed.knows(peer)):
        refused_tokens_total.labels("limited").inc()
        return problem(429, "too many wrong tokens from this address: wait", {"Retry-After": str(wait)})
    if given == "right":
        failed.succeed(peer)
    elif given == "wrong":
        failed.fail(peer, now)
        refused_tokens_total.labels("wrong").inc()
    why = refusal(scope, tokens)
    return problem(401, why, {"WWW-Authenticate": "Bearer"}) if why else None


def _is_open(path: str) -> bool:
    return path in ("/health", "/metrics") or path.startswith("/health/")


def _bearer(authorization: bytes) -> bytes:
    scheme, _, token = authorization.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""


def _same(given: bytes, token: bytes) -> bool:
    return compare_digest(given, token) and token != b""


def _is_loopback_peer(client: tuple[str, int] | None) -> bool:
    return client is not None and _is_loopback_address(client[0])


def _is_loopback_address(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback


def _named_hosts(headers: dict[bytes, bytes]) -> list[str]:
    """The hosts a request says it is for (Host) and comes from (Origin, only browsers send it)."""
    hosts = [f"//{headers[b'host'].decode('latin-1')}"] if headers.get(b"host") else []
    return hosts + ([headers[b"origin"].decode("latin-1")] if b"origin" in headers else [])


def _is_loopback_name(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return host == "localhost" or _is_loopback_address(host)
