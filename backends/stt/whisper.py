"""Our own whisper-server as a recogniser: Google's wire format at `WHISPER_URL`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from backends.stt.speech_v2 import MAX_CHUNK_BYTES, SpeechEndpoint, open_v2_stream, rpc_error
from callengine.errors import ConfigError, RecognizerError
from callengine.ports.bridge import Bridge
from callengine.ports.recognition import RecognizerStream, StreamLimits, StreamSpec

# The server ends a stream that brings no audio for 10 s (`whisper_server.conversation`), as Google does.
LIMITS = StreamLimits(max_seconds=None, idle_seconds=10.0, max_chunk_bytes=MAX_CHUNK_BYTES, bills_silence=False)
RECOGNIZER = "projects/callengine/locations/local/recognizers/_"
SERVICE = "google.cloud.speech.v2.Speech"
CHECK_SECONDS = 5.0
CHANNEL_OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),  # else all channels to one address share one connection
    ("grpc.keepalive_time_ms", 30_000),
    # A server that was started again is found within a call's patience: gRPC's own back-off grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


@dataclass(slots=True)
class _Node:
    """One server, and how many streams are open there."""

    address: str
    endpoint: SpeechEndpoint
    streams: int = 0


@dataclass(frozen=True, slots=True)
class WhisperRecognizer:
    """The port's `Recognizer` over one server or several; a stream goes to the one with the fewest."""

    nodes: tuple[_Node, ...]
    bridge: Bridge
    limits: StreamLimits = LIMITS

    async def check(self) -> None:
        for node in self.nodes:
            try:
                answer = await self.bridge.run(_health, node.endpoint)
            except grpc.RpcError as error:
                raise rpc_error(error, f"whisper-server at {node.address}") from error
            if answer.status != health_pb2.HealthCheckResponse.SERVING:
                raise RecognizerError(f"whisper-server at {node.address} is not serving yet", retryable=True)

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        node = min(self.nodes, key=lambda node: node.streams)
        node.streams += 1
        try:
            async with open_v2_stream(node.endpoint, self.bridge, spec, hints) as stream:
                yield stream
        finally:
            node.streams -= 1


@asynccontextmanager
async def open_recognizer(settings: Any, bridge: Bridge) -> AsyncIterator[WhisperRecognizer]:
    """The entry point `whisper`. Raises ConfigError for a wrong WHISPER_URL or WHISPER_CA."""
    token = settings.whisper_token.get_secret_value() if settings.whisper_token else ""
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    certificates = _read_ca(settings.whisper_ca)
    async with AsyncExitStack() as stack:
        nodes = []
        for url in settings.whisper_url.split(","):
            address, secure = _parse(url.strip())
            channel = await bridge.run(_open_channel, address, secure, certificates)
            stack.push_async_callback(bridge.run, channel.close)
            nodes.append(_Node(address, SpeechEndpoint(channel, RECOGNIZER, "", metadata)))
        yield WhisperRecognizer(tuple(nodes), bridge)


def _parse(url: str) -> tuple[str, bool]:
    parts = urlsplit(url)
    try:
        good = parts.scheme in ("grpc", "grpcs") and bool(parts.hostname) and parts.port is not None
    except ValueError:
        good = False
    if not good:
        raise ConfigError("WHISPER_URL", f"must be grpc://host:port or grpcs://host:port, not {url!r}")
    return parts.netloc, parts.scheme == "grpcs"


def _read_ca(path: Any) -> bytes | None:
    if path is None:
        return None
    try:
        return bytes(path.read_bytes())
    except OSError as error:
        raise ConfigError("WHISPER_CA", f"cannot read {str(path)!r}: {error.strerror}") from None


async def _open_channel(address: str, secure: bool, certificates: bytes | None) -> grpc.aio.Channel:  # noqa: ASYNC124
    """Async, for it runs on the bridge's side, where a channel finds its loop."""
    if not secure:
        return grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
    return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(certificates), options=CHANNEL_OPTIONS)


async def _health(endpoint: SpeechEndpoint) -> Any:
    stub = health_pb2_grpc.HealthStub(endpoint.channel)
    request = health_pb2.HealthCheckRequest(service=SERVICE)
    return await stub.Check(request, timeout=CHECK_SECONDS, metadata=endpoint.metadata)
