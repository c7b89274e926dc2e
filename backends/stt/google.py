"""Google Cloud Speech as a recogniser: v2 by default, v1 for the models that only it has.

Facts: cloud.google.com/speech-to-text/v2 (quotas, locations, chirp-3). The endpoint and the recognizer's name must
agree about the location."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from backends.addresses import GOOGLE_SPEECH, address_of
from backends.google_cloud.channel import way_in
from backends.grpc_channels import CHANNEL_OPTIONS
from backends.stt import wire_v1, wire_v2
from backends.stt.nodes import Node, channels_for, open_node
from backends.stt.recognizer import SpeechRecognizer, blaming
from backends.stt.stream import Service
from backends.stt.wire import MAX_CHUNK_BYTES, Dialect
from callengine.errors import ConfigError, RecognizerError
from callengine.ports.bridge import Bridge
from callengine.ports.recognition import StreamLimits, StreamSpec

# A stream lives 5 minutes (v1: 305 s). No audio: v1 waits 10 s, users of chirp_3 saw 5 to 6 s.
LIMITS = StreamLimits(max_seconds=300.0, idle_seconds=5.0, max_chunk_bytes=MAX_CHUNK_BYTES, bills_silence=True)
DEADLINE_SECONDS = 330.0
DEFAULT_MODELS = {"v1": "latest_long", "v2": "chirp_3"}


@asynccontextmanager
async def open_recognizer(settings: Any, bridge: Bridge) -> AsyncIterator[SpeechRecognizer]:
    """The entry point `google`. Raises ConfigError for credentials or a project that are missing or cannot be used."""
    version, location = settings.google_stt_api_version, settings.google_stt_location
    model = settings.google_stt_model or DEFAULT_MODELS[version]
    if version == "v1" and model.startswith("chirp"):
        raise ConfigError("GOOGLE_STT_MODEL", f"{model} is served by v2 alone; set GOOGLE_STT_API_VERSION=v2")
    address, plaintext = address_of(settings.google_stt_endpoint, GOOGLE_SPEECH, location, "GOOGLE_STT_ENDPOINT")
    project, connect = await way_in(settings, address, plaintext, CHANNEL_OPTIONS)
    where = f"Google Speech at {address}"
    if version == "v1":
        service = Service(bridge, wire_v1, _dialect("", model), where, (), DEADLINE_SECONDS)
    elif not project:
        raise ConfigError("GOOGLE_CLOUD_PROJECT", "is not set, and the credentials name no project")
    else:
        recognizer = f"projects/{project}/locations/{location}/recognizers/_"
        # Google routes a request by this header, and its own clients send it.
        metadata = (("x-goog-request-params", f"recognizer={recognizer}"),)
        service = Service(bridge, wire_v2, _dialect(recognizer, model), where, metadata, DEADLINE_SECONDS)
    trial = StreamSpec(settings.call_language, endpointing=settings.stt_endpointing)
    asked = f"{version}, CALL_LANGUAGE={trial.language}, GOOGLE_STT_MODEL={model}, GOOGLE_STT_LOCATION={location}"
    async with open_node(service, connect, channels_for(settings.max_calls)) as node:
        limits = replace(LIMITS, product=f"google/{version}/{model}")
        yield SpeechRecognizer((node,), limits, trial, _reach, partial(_blame, asked))


def _dialect(recognizer: str, model: str) -> Dialect:
    """Only chirp_3 has an endpointing sensitivity; telephony refuses a stream with adaptation."""
    return Dialect(model, recognizer, endpointing=model == "chirp_3", hints=not model.startswith("telephony"))


async def _reach(node: Node) -> None:
    with node.borrow() as channel:
        await node.service.bridge.run(channel.channel_ready)


def _blame(asked: str, error: RecognizerError) -> RecognizerError:
    text = str(error)
    if "UNAUTHENTICATED" in text or "PERMISSION_DENIED" in text:
        return blaming(error, "GOOGLE_APPLICATION_CREDENTIALS", "Google does not let them in")
    return blaming(error, "GOOGLE_STT_MODEL", f"Google does not serve this together ({asked})")
