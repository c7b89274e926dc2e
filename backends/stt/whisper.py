"""Our own whisper-server as a recogniser: Google's wire format at `WHISPER_URL`, one server or several."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from backends.grpc_channels import CHANNEL_OPTIONS
from backends.stt import wire_v2
from backends.stt.nodes import Node, channels_for, open_node
from backends.stt.recognizer import SpeechRecognizer, blaming
from backends.stt.stream import Service
from backends.stt.wire import MAX_CHUNK_BYTES, Dialect
from callengine.errors import ConfigError, RecognizerError
from callengine.ports.bridge import Bridge
from callengine.ports.recognition import StreamLimits, StreamSpec

# The server ends a stream that brings no audio for 10 s (`whisper_server.conversation`), as Google does.
LIMITS = StreamLimits(
    max_seconds=None, idle_seconds=10.0, max_chunk_bytes=MAX_CHUNK_BYTES, bills_silence=False, product="whisper"
)
DIALECT = Dialect(model="", recognizer="projects/callengine/locations/local/recognizers/_")
SERVICE = "google.cloud.speech.v2.Speech"
REACH_SECONDS = 5.0
OPTIONS = (*CHANNEL_OPTIONS, ("grpc.enable_http_proxy", 0))  # a GPU node is ours, on our network


@asynccontextmanager
async def open_recognizer(settings: Any, bridge: Bridge) -> AsyncIterator[SpeechRecognizer]:
    """The entry point `whisper`. Raises ConfigError for a wrong WHISPER_URL or WHISPER_CA."""
    token = settings.whisper_token.get_secret_value() if settings.whisper_token else ""
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    certificates = _read_ca(settings.whisper_ca)
    addresses = [_parse(url.strip()) for url in settings.whisper_url.split(",")]
    async with AsyncExitStack() as stack:
        nodes = []
        for address, secure in addresses:
            service = Service(bridge, wire_v2, DIALECT, f"whisper-server at {address}", metadata)
            connect = partial(_connect, address, secure, certificates)
            nodes.append(await stack.enter_async_context(open_node(service, connect, channels_for(settings.max_calls))))
        trial = StreamSpec(settings.call_language, endpointing=settings.stt_endpointing)
        yield SpeechRecognizer(nodes, LIMITS, trial, _reach, partial(_blame, settings.call_language))


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


def _connect(address: str, secure: bool, certificates: bytes | None) -> grpc.aio.Channel:
    if not secure:
        return grpc.aio.insecure_channel(address, options=OPTIONS)
    return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(certificates), options=OPTIONS)


async def _reach(node: Node) -> None:
    """Its health, which says more than a refused stream while it loads or drains."""
    with node.borrow() as channel:
        answer = await node.service.bridge.run(_health, channel, node.service)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise RecognizerError(f"{node.service.where} is not serving yet", retryable=True, reason="unavailable")


async def _health(channel: grpc.aio.Channel, service: Service) -> Any:
    request = health_pb2.HealthCheckRequest(service=SERVICE)
    return await health_pb2_grpc.HealthStub(channel).Check(request, timeout=REACH_SECONDS, metadata=service.metadata)


def _blame(language: str, error: RecognizerError) -> RecognizerError:
    if "UNAUTHENTICATED" in str(error):
        return blaming(error, "WHISPER_TOKEN", "the server does not know it")
    return blaming(error, "CALL_LANGUAGE", f"{language} is refused")
