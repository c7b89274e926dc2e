"""Who may open a stream, and when: the token, readiness, and the number of streams."""

import asyncio
import hmac
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import grpc

from whisper_server.errors import Refused
from whisper_server.metrics import STREAMS_ACTIVE

# A final that has waited this long is late for its caller already: another stream would make all of them later.
MOST_BEHIND_SECONDS = 3.0
Metadata = Iterable[tuple[str, str | bytes]]


class Admission:
    """Counts the streams that are open; `token` empty lets everybody in (the server then listens on loopback).

    `behind` tells for how many seconds the oldest final has been waiting for the model.
    """

    def __init__(self, max_streams: int, token: str, behind: Callable[[], float]) -> None:
        self._behind = behind
        self._max_streams = max_streams
        self._expected = f"Bearer {token}".encode() if token else b""
        self._active = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self._closed_because = "The model is being loaded; try again in a few seconds."

    def open(self) -> None:
        """Let requests in."""
        self._closed_because = ""

    def drain(self) -> None:
        """Let no more requests in; those that are open go on."""
        self._closed_because = "The server is shutting down; use another one."

    async def wait_empty(self) -> None:
        """Return once no stream is open."""
        await self._empty.wait()

    @contextmanager
    def admit(self, metadata: Metadata) -> Iterator[None]:
        """Hold a place for one request. Raises `Refused`."""
        self._check_token(metadata)
        if self._closed_because:
            raise Refused(grpc.StatusCode.UNAVAILABLE, self._closed_because)
        if self._active >= self._max_streams:
            raise Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, f"All {self._max_streams} streams are in use.")
        if self._behind() > MOST_BEHIND_SECONDS:
            raise Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "The model is behind with the streams that are open.")
        self._count(+1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        self._active += change
        STREAMS_ACTIVE.set(self._active)
        if self._active:
            self._empty.clear()
        else:
            self._empty.set()

    def _check_token(self, metadata: Metadata) -> None:
        if not self._expected:
            return
        given = dict(metadata).get("authorization", "")
        given = given.encode() if isinstance(given, str) else given
        # Constant time: how much of a guess is right must not show.
        if not hmac.compare_digest(given, self._expected):
            raise Refused(grpc.StatusCode.UNAUTHENTICATED, "The bearer token is missing or wrong (WHISPER_TOKEN).")
