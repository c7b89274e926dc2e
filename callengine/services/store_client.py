"""One request to the Store, answered within a deadline: httpx natively on Trio."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import trio

from callengine.errors import ConfigError
from callengine.services.openapi import IDEMPOTENCY_KEY
from callengine.services.store_answers import NOT_THE_API, TOO_LATE, UNREACHABLE, StoreFaultError, decode
from callengine.services.store_requests import StoreRequest

DEADLINE_SECONDS = 3.0
_LARGEST_ANSWER = 256 * 1024
# The embedded Store is on loopback, where no proxy of the environment can reach it.
_DIRECT: dict[str, httpx.AsyncBaseTransport | None] = dict.fromkeys(
    ("all://127.0.0.1", "all://localhost", "all://[::1]"), None
)
# By these nothing has left for the Store yet.
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.LocalProtocolError)


class StoreClient:
    """The pooled client of one Store. `http` is for what is not an operation of its API."""

    def __init__(self, http: httpx.AsyncClient, deadline_seconds: float) -> None:
        self.http = http
        self.deadline_seconds = deadline_seconds

    @property
    def url(self) -> str:
        """The base URL, which holds no secret."""
        return str(self.http.base_url)

    async def ask(self, request: StoreRequest, key: str = "") -> Any:
        """The decoded answer. `key` goes along as Idempotency-Key. Raises StoreFaultError."""
        headers = {**request.headers, **({IDEMPOTENCY_KEY: key} if key else {})}
        asked = self.http.build_request(
            request.method, request.path, params=request.query, headers=headers, content=request.body
        )
        with trio.move_on_after(self.deadline_seconds):
            try:
                status, body = await self._send(asked)
            except httpx.HTTPError as error:
                # The text of a transport's error may hold the address with the caller's number in it.
                raise StoreFaultError(UNREACHABLE, "unsent" if isinstance(error, _UNSENT) else "unknown") from None
            return decode(status, body)
        raise StoreFaultError(TOO_LATE, "unknown")

    async def _send(self, request: httpx.Request) -> tuple[int, bytes]:
        response = await self.http.send(request, stream=True)
        body = b""
        async with aclosing(response):
            # A stream within streams is ended from its innermost: leaving the loop would leave it open.
            with trio.CancelScope() as reading:
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _LARGEST_ANSWER:
                        reading.cancel("more than any answer has")
        if len(body) > _LARGEST_ANSWER:
            raise StoreFaultError(NOT_THE_API, "unknown")
        return response.status_code, body


@asynccontextmanager
async def open_client(
    url: str, token: str, deadline_seconds: float, transport: httpx.AsyncBaseTransport | None
) -> AsyncIterator[StoreClient]:
    """A client of the Store at a base URL. Raises ConfigError for what is no URL or no token."""
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
    http = httpx.AsyncClient(base_url=base, headers=headers, timeout=None, transport=transport, mounts=_DIRECT)  # noqa: S113
    async with http:
        yield StoreClient(http, deadline_seconds)
